#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A calculation server as a student of the lab writes one: a thread for each connection, struct, a list of numbers.

    student.py tcp|udp PORT
"""

import math
import socket
import struct
import sys
import threading

OPERATIONS = {b"SUM": sum, b"PRO": math.prod, b"MIN": min, b"MAX": max}


def answer(request):
    ident, op, count = struct.unpack_from("!I3sB", request)
    numbers = struct.unpack_from(f"!{count}i", request, 8)
    return struct.pack("!Ii", ident, OPERATIONS[op](numbers))


def receive(conn):
    """One connection: a buffer, because several requests may come at once."""
    data = b""
    while True:
        more = conn.recv(65536)
        if not more:
            conn.close()
            return
        data += more
        answers, at = [], 0
        while len(data) - at >= 8 and len(data) - at >= 8 + 4 * data[at + 7]:
            answers.append(answer(data[at:at + 8 + 4 * data[at + 7]]))
            at += 8 + 4 * data[at + 7]
        data = data[at:]
        conn.sendall(b"".join(answers))


def listen(sock):
    while True:
        conn, _ = sock.accept()
        conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=receive, args=(conn,), daemon=True).start()


def main():
    transport, port = sys.argv[1], int(sys.argv[2])
    if transport == "tcp":
        sock = socket.create_server(("127.0.0.1", port), backlog=128)
    else:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("127.0.0.1", port))
    print(f"listening {transport} 127.0.0.1:{sock.getsockname()[1]}", flush=True)
    if transport == "tcp":
        listen(sock)
    while True:
        request, peer = sock.recvfrom(2048)
        sock.sendto(answer(request), peer)


if __name__ == "__main__":
    main()
