# SPDX-License-Identifier: MIT
"""The common part of the tests of `netlab lab serve --web`: a lab with a page, teams that do the sheet, a browser's requests."""

import http.client
import json
import random
import smtplib
import ssl
import struct
import time
import unittest
import urllib.parse

import harness
from harness import LAB, Case


WITHOUT_PAGE = "netlab was built without --web"
needs_page = unittest.skipUnless(harness.has_page(), WITHOUT_PAGE)


class Room:
    """A lab with its page, on a random loopback address; teams come from 127.9.0.0/16."""

    def __init__(self, case, *words, names=tuple(LAB), journal=None, web=None, offset=10000, **how):
        self.case = case
        self.place = case.scratch()
        bind = ".".join(map(str, (127, *(random.randrange(1, 255) for _ in range(3)))))
        given = [*map(str, words), "--bind", bind, "--port-offset", offset, "--calc-port", 50000,
                 "--only", ",".join(names)]
        if web is not None:
            given += ["--web", web]
        if journal is not None:
            given += ["--journal", journal]
        if harness.LAB_MAIL & set(names) and "--state" not in given:
            given += ["--state", self.place / "state"]
        lines = harness.lab_lines(names) + (2 if web is not None else 0)
        self.server = harness.Server([harness.NETLAB, "lab", "serve", *map(str, given)], lines,
                                     env=harness.environment(), **how)
        case.addCleanup(self.server.kill)
        self.address = bind
        self.ports = {name: LAB[name][0] + (offset if LAB[name][0] < 1024 else 0) for name in LAB}
        self.web = None
        for line in self.server.ready:
            if line.startswith("listening http "):
                self.web = ("127.0.0.1", int(line.rpartition(":")[2]))
            if line.startswith("teacher "):
                self.url = line.split(" ", 1)[1]
                self.token = urllib.parse.parse_qs(urllib.parse.urlsplit(self.url).query)["token"][0]
            if line.startswith("ca "):
                self.ca = line.split(" ", 1)[1]

    def ask(self, path, source="127.0.0.1", teacher=False, method="GET", body=None, host=None, **fields):
        """(status, fields, body) of a request from this address."""
        if teacher:
            path += ("&" if "?" in path else "?") + "token=" + self.token
        connection = http.client.HTTPConnection(*self.web, timeout=harness.DEADLINE, source_address=(source, 0))
        try:
            fields = {name.replace("_", "-"): value for name, value in fields.items()}
            if host is not None:
                fields["Host"] = host
            connection.request(method, path, body, fields)
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    def json(self, path, **how):
        status, _, body = self.ask(path, **how)
        self.case.assertEqual(status, 200, body)
        return json.loads(body)

    def teams(self):
        """Address: team, as the teacher sees them."""
        return {each["address"]: each for each in self.json("/api/teams", teacher=True)["teams"]}

    def cell(self, address, step):
        team = self.teams().get(address)
        return team["steps"][step] if team else {"state": "none", "note": ""}

    def until_cell(self, address, step, state, note=""):
        """Waits until the teacher sees this in the table."""
        try:
            harness.until(lambda: (cell := self.cell(address, step))["state"] == state and note in cell["note"],
                          f"{step} {state}: {note}")
        except AssertionError as late:
            raise AssertionError(f"{late}; it is {self.cell(address, step)}") from None

    def events(self, address, **how):
        return self.json(f"/api/teams/{address}/events?limit=200", **{"teacher": True, **how})["events"]

    def stream(self, source="127.0.0.1", teacher=False, last=None):
        """A raw connection to the event stream, after the response's head."""
        peer = self.case.tcp(self.web[1], source=(source, 0))
        query = f"?token={self.token}" if teacher else ""
        more = f"Last-Event-ID: {last}\r\n" if last is not None else ""
        peer.sendall(f"GET /events{query} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n".encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            octet = peer.recv(1)
            assert octet, head
            head += octet
        return peer, head.decode()

    def tcp(self, service, source, port=0):
        return self.case.tcp(self.ports[service], self.address, source=(source, port))

    def udp(self, service, source, octets, port=0):
        peer = self.case.udp(source, port)
        peer.sendto(octets, (self.address, self.ports[service]))
        return peer

    def calc(self, source, octets, port=0, answer=True):
        peer = self.tcp("calc", source, port)
        peer.sendall(octets)
        if answer:
            assert len(harness.receive(peer, 8)) == 8
        return peer

    def context(self):
        context = ssl.create_default_context(cafile=self.ca)
        context.check_hostname = False
        return context

    def mail_by_program(self, source, sender="a@lab.example", text="From: a@lab.example\r\nSubject: x\r\n\r\nhello\r\n",
                        to=("b@lab.example",), tls=True):
        with smtplib.SMTP(self.address, self.ports["submission"], timeout=harness.DEADLINE,
                          source_address=(source, 0)) as client:
            if tls:
                client.starttls(context=self.context())
            client.sendmail(sender, to, text)

    def mail_by_hand(self, source, sender="a@lab.example", text="From: a@lab.example\r\n\r\nhello\r\n", tls=True, pause=0.4):
        """A person who types: each command after a pause."""
        peer = self.tcp("submission", source)

        def reply():
            while (line := harness.receive_line(peer))[3:4] == b"-":
                pass
            return line

        def say(line):
            peer.sendall(line.encode() + b"\r\n")
            return reply()

        reply()
        say("EHLO me.example")
        if tls:
            say("STARTTLS")
            peer = self.context().wrap_socket(peer, server_hostname="localhost")
            self.case.addCleanup(peer.close)
            say("EHLO me.example")
        for line in (f"MAIL FROM:<{sender}>", "RCPT TO:<b@lab.example>", "DATA"):
            time.sleep(pause)  # a person: this is what is tested
            say(line)
        time.sleep(pause)
        peer.sendall(text.encode() + b".\r\n")
        answer = reply()
        say("QUIT")
        return answer


class RoomCase(Case):
    def room(self, *words, web="127.0.0.1:0", **how):
        if web is not None and not harness.has_page():
            self.skipTest(WITHOUT_PAGE)
        return Room(self, *words, web=web, **how)


def little(ident, op, *numbers):
    return struct.pack(f"<I3sB{len(numbers)}i", ident, op.encode(), len(numbers), *numbers)
