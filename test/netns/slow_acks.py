# SPDX-License-Identifier: MIT
"""slow_acks.py PORT: an SMTP server with PIPELINING and without TCP_NODELAY, which writes each answer separately:
Nagle's algorithm delays each answer until the one before is acknowledged. Serves one connection, then ends."""

import socket
import sys

listener = socket.create_server(("", int(sys.argv[1])))
print("ready", flush=True)
connection, _ = listener.accept()


def say(text):
    connection.sendall(text.encode() + b"\r\n")


say("220 far.example ESMTP")
lines = connection.makefile("rb")
while line := lines.readline():
    verb = line[:4].upper()
    if verb == b"EHLO":
        connection.sendall(b"250-far.example\r\n250 PIPELINING\r\n")
    elif verb == b"DATA":
        say("354 go on")
        while lines.readline() != b".\r\n":
            pass
        say("250 2.0.0 taken")
    elif verb == b"QUIT":
        say("221 bye")
        break
    else:
        say("250 2.1.0 ok")
