# SPDX-License-Identifier: MIT
"""The common part of the tests of `netlab mail sink`: a sink on free ports, and a client for any input."""

import json
import mailbox
import pathlib
import re
import smtplib
import socket
import ssl

import harness

PASSWORD = "secret"
HELLO = "Subject: hello\r\n\r\nHello!\r\n"


class Talk:
    """SMTP by hand: everything is sent unchanged."""

    def __init__(self, case, port, context=None, host="127.0.0.1"):
        self.socket = case.tcp(port, host)
        case.peers.append(self)
        if context:
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
            case.addCleanup(self.socket.close)

    def read(self):
        """A complete reply, unchanged; an incomplete one if the connection ends."""
        taken = b""
        while not re.search(rb"(?m)^\d{3} .*\n\Z", taken):
            line = harness.receive_line(self.socket)
            if not line:
                break
            taken += line
        return taken.decode("utf-8", "replace")

    def say(self, octets):
        self.socket.sendall(octets.encode() if isinstance(octets, str) else octets)

    def ask(self, line):
        self.say(line + "\r\n")
        return self.read()

    def greet(self):
        return self.read(), self.ask("EHLO client.example")

    def starttls(self, context):
        assert self.ask("STARTTLS").startswith("220 ")
        self.socket = context.wrap_socket(self.socket, server_hostname="localhost")

    def envelope(self, sender="a@example.org", to=("b@example.org",), parameters=""):
        """Sends MAIL and RCPT; returns the last reply."""
        self.ask(f"MAIL FROM:<{sender}>{parameters}")
        for each in to:
            answer = self.ask(f"RCPT TO:<{each}>")
        return answer

    def data(self, content=HELLO):
        """Sends DATA; returns the reply if it is not 354, else the one to the message."""
        answer = self.ask("DATA")
        if not answer.startswith("354"):
            return answer
        self.say(content + ".\r\n")
        return self.read()

    def send(self, content=HELLO, **envelope):
        self.envelope(**envelope)
        return self.data(content)

    def close(self):
        self.socket.close()

    def ended(self):
        """True if nothing more arrives and the connection is closed, not reset."""
        return harness.receive(self.socket) == b""


class Sink(harness.Server):
    """Closes its `peers` of the test case before it is stopped; otherwise it would wait for them."""

    def __init__(self, case, *words, **how):
        self.case = case
        super().__init__(*words, **how)

    def stop(self, *words):
        for peer in self.case.peers:
            peer.close()
        return super().stop(*words)


class Sinking(harness.Case):
    def setUp(self):
        self.peers = []

    def sink(self, *words, tls_port="0", maildir=True, state=None, env=None, bind="127.0.0.1", wrap=(), **how):
        """A running sink, with the paths of its files: `state`, `box`."""
        state = pathlib.Path(state or self.scratch() / "state")
        box = self.scratch() / "box"
        given = [*wrap, harness.NETLAB, "mail", "sink", "--state", str(state), "--port", "0"]
        if bind:
            given += ["--bind", bind]
        if maildir:
            given += ["--maildir", str(box)]
        if tls_port is not None:
            given += ["--tls-port", tls_port]
        lines = 2 + int("--discard" not in words) + int(tls_port != "none")
        variables = {"NETLAB_PASSWORD": PASSWORD, **(env or {})}
        server = Sink(self, [*given, *map(str, words)], lines, env=harness.environment(variables), **how)
        self.addCleanup(server.kill)
        server.state, server.box = state, box
        if "--json" in words:
            told = [json.loads(line) for line in server.ready]
            server.sockets = [("tcp", each["address"], each["port"]) for each in told if each["event"] == "listening"]
        server.tls_port = server.sockets[-1][2]
        server.ca = state / "ca.pem"
        return server

    def talk(self, server, **how):
        """A connection after the greeting."""
        peer = Talk(self, server.port, **how)
        self.assertRegex(peer.read(), r"^220 ")
        self.assertRegex(peer.ask("EHLO client.example"), r"^250[- ]")
        return peer

    def context(self, server):
        return ssl.create_default_context(cafile=str(server.ca))

    def client(self, server, tls="starttls"):
        """Python's own client."""
        if tls == "implicit":
            peer = smtplib.SMTP_SSL("localhost", server.tls_port, timeout=harness.DEADLINE, context=self.context(server))
        else:
            peer = smtplib.SMTP("localhost", server.port, timeout=harness.DEADLINE)
        self.addCleanup(peer.close)
        self.peers.append(peer)
        if tls == "starttls":
            peer.starttls(context=self.context(server))
        return peer

    def messages(self, server):
        """The messages as Python's mailbox module reads them, in no order."""
        return list(mailbox.Maildir(server.box, create=False))

    def totals(self, server):
        done = server.stop()
        self.assertEqual(done.status, harness.DONE, done.err)
        return done.error_lines[-1]


def is_closed(peer):
    """True if the connection ends without further input."""
    try:
        return peer.recv(1) == b""
    except (ConnectionResetError, socket.timeout):
        return False
