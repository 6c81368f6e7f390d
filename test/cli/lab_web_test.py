#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""netlab lab serve --web: the page's addresses, who may see what, and browsers, scripts and strangers that are hostile."""

import csv
import io
import json
import re
import resource
import socket
import time

import harness
from classroom import RoomCase
from harness import DONE, UNAVAILABLE

TEAM, OTHER = "127.9.0.7", "127.9.0.8"
SUM = harness.request(1, "SUM", 1, 2)
EVIL = "<script>alert(1)</script>\u202e\x1b[31m\"'&"


class Page(RoomCase):
    def test_who_sees_what(self):
        """lab serve --web: the teacher sees all rows, a student the own one, and nobody with a wrong token any"""
        room = self.room(names=("calc",))
        for team in (TEAM, OTHER):
            room.calc(team, SUM)
            room.until_cell(team, "calc_tcp", "done")
        own = room.json("/api/teams", source=TEAM)
        self.assertEqual([each["address"] for each in own["teams"]], [TEAM])
        self.assertEqual(own["viewer"]["teacher"], False)
        self.assertNotIn("totals", own)
        self.assertEqual(room.json("/api/teams", source="127.9.0.99")["teams"], [])
        self.assertEqual(room.ask(f"/api/teams/{OTHER}/events", source=TEAM)[0], 404)
        self.assertTrue(room.events(TEAM, source=TEAM, teacher=False))
        for path in ("/", "/api/teams", "/events", "/teams.csv"):
            self.assertEqual(room.ask(path + "?token=" + "x" * 32)[0], 403)
            self.assertEqual(room.ask(path + "?token=" + room.token[:-1])[0], 403)
        self.assertEqual(len(room.json("/api/teams", Authorization=f"Bearer {room.token}")["teams"]), 2)
        page = room.ask("/", source=TEAM)[2].decode()
        self.assertIn(TEAM, page)
        self.assertNotIn(OTHER, page)
        self.assertIn(OTHER, room.ask("/", teacher=True)[2].decode())

    def test_head_of_responses(self):
        """lab serve --web: every response forbids what a page may not do with it; none allows another origin"""
        room = self.room(names=("echo",))
        for path in ("/", "/page.css", "/page.js", "/api/teams", "/teams.csv", "/nothing", "/?token=wrong"):
            _, fields, body = room.ask(path, Origin="http://evil.example")
            self.assertEqual(fields["X-Content-Type-Options"], "nosniff", path)
            self.assertEqual(fields["Referrer-Policy"], "no-referrer", path)
            self.assertFalse([name for name in fields if name.lower().startswith("access-control")], path)
            self.assertNotIn("unsafe", fields.get("Content-Security-Policy", ""))
            self.assertNotIn(b"https://", body, path)
        self.assertIn("frame-ancestors 'none'", room.ask("/")[1]["Content-Security-Policy"])

    def test_csv(self):
        """lab serve --web: /teams.csv is a table for spreadsheets"""
        room = self.room(names=("calc",))
        room.calc(TEAM, SUM)
        room.until_cell(TEAM, "calc_tcp", "done")
        status, fields, body = room.ask("/teams.csv", teacher=True)
        rows = list(csv.DictReader(io.StringIO(body.decode(), newline="")))
        self.assertEqual((status, rows[0]["address"], rows[0]["calc_tcp"], rows[0]["echo_udp"]), (200, TEAM, "done", "none"))
        self.assertIn("attachment", fields["Content-Disposition"])

    def test_name(self):
        """lab serve --web: a team names itself; a foreign page cannot; no name becomes markup or breaks the table"""
        room = self.room(names=("calc",))
        form = {"Content_Type": "application/x-www-form-urlencoded"}
        mine = room.json("/api/teams", source=TEAM)["viewer"]["form_token"]
        for foreign in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec_Fetch_Site": "cross-site"}, {"X_Form_Token": "x"}):
            self.assertEqual(room.ask("/api/name", source=TEAM, method="POST", body="name=x", **form, **foreign)[0], 403)
        good = {"Origin": "null", "X_Form_Token": mine, "Accept": "application/json"}
        self.assertEqual(room.ask("/api/name", source=OTHER, method="POST", body="name=x", **form, **good)[0], 403)
        import urllib.parse
        for name in (EVIL, "x" * 3000, "\u202e\u200b", "=1+1", "\ufffd\x00a"):
            status = room.ask("/api/name", source=TEAM, method="POST", body=urllib.parse.urlencode({"name": name}), **form, **good)[0]
            self.assertIn(status, (204, 400), name)
            page = room.ask("/", teacher=True)[2].decode()
            self.assertNotIn("<script>alert", page)
            self.assertNotIn("\u202e", page)
            self.assertNotIn("x" * 61, page)
        self.assertEqual(room.ask("/api/name", source=TEAM, method="POST", body="name=%ff%fe%80", **form, **good)[0], 400)
        self.assertEqual(room.ask("/api/name", source=TEAM, method="POST", body=b"name=" + b"x" * 10**6, **form)[0], 413)

    def test_mail(self):
        """lab serve --web: a mail with its envelope, dialogue, source and parts; HTML in a sandbox; others' mails do not exist"""
        room = self.room(names=("submission",))
        text = ("From: boss@lab.example\r\nTo: b@lab.example\r\nSubject: " + "=?utf-8?q?=3Cscript=3Ealert=281=29=3C/script=3E?=" +
                "\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/html\r\n\r\n"
                "<script src=http://192.0.2.1/x></script><img src=http://192.0.2.1/p><p>hi\r\n--x\r\n"
                "Content-Type: text/html; name=\"../../x.html\"\r\nContent-Disposition: attachment\r\n\r\n<script>1</script>\r\n--x--\r\n")
        room.mail_by_program(TEAM, text=text)
        room.until_cell(TEAM, "sender_differs", "done", "sender <a@lab.example>, From <boss@lab.example>")
        listed = harness.until(lambda: room.json("/api/mail", source=TEAM)["mails"], "the mail")[0]
        self.assertEqual((listed["envelope_from"], listed["from"], listed["envelope_to"]), ("a@lab.example", "boss@lab.example", ["b@lab.example"]))
        self.assertEqual(listed["subject"], "<script>alert(1)</script>")
        self.assertEqual(room.json("/api/mail?search=boss", source=TEAM)["mails"], [listed])
        self.assertEqual(room.json("/api/mail?search=nobody", source=TEAM)["mails"], [])
        whole = room.json(f"/api/mail/{listed['id']}", source=TEAM)
        said = [each["text"] for each in whole["dialogue"] if each["by"] == "C"]
        self.assertIn("data", [each.lower() for each in said])
        self.assertTrue(whole["dialogue"][-1]["text"].startswith("250"))
        self.assertEqual([each["type"] for each in whole["parts"]], ["text/html", "text/html"])
        path = f"/mail/{listed['id']}"
        for address in (f"/api/mail/{listed['id']}", path + "/source", path + "/part/1", path + "/html/1"):
            self.assertEqual(room.ask(address, source=OTHER)[0], 404)
        status, fields, body = room.ask(path + "/source", source=TEAM)
        self.assertEqual((status, fields["Content-Type"]), (200, "message/rfc822"))
        self.assertIn(b"Delivered-To: b@lab.example", body)
        _, fields, body = room.ask(path + "/html/1", source=TEAM)
        self.assertRegex(fields["Content-Security-Policy"], r"^sandbox; default-src 'none'")
        self.assertNotIn(b"<script", body)
        _, fields, body = room.ask(path + "/part/2", source=TEAM)
        self.assertEqual((fields["Content-Type"], body.strip()), ("application/octet-stream", b"<script>1</script>"))
        self.assertRegex(fields["Content-Disposition"], r'^attachment; filename="x.html"')
        for page in (room.ask("/", teacher=True)[2], room.ask("/", source=TEAM)[2]):
            self.assertNotIn(b"<script>alert", page)
        self.assertEqual(room.ask("/api/mail", source=TEAM, method="DELETE")[0], 403)
        self.assertEqual(room.ask("/api/mail", teacher=True, method="DELETE")[0], 204)
        self.assertEqual(room.json("/api/mail", teacher=True)["mails"], [])

    def test_addresses(self):
        """lab serve --web: ADDR:PORT, a port alone, any; --web takes no other option for its value"""
        for web, shown in (("127.0.0.1:0", r"127\.0\.0\.1"), (":0", r"127\.0\.0\.1"), ("0", r"127\.0\.0\.1"), ("localhost:0", r"127\.0\.0\.1")):
            room = self.room(web=web, names=("echo",))
            self.assertRegex(room.server.ready[-2], rf"^listening http {shown}:\d+$")
            self.assertRegex(room.server.ready[-1], rf"^teacher http://{shown}:\d+/\?token=[A-Za-z0-9_-]{{32}}$")
        done = self.netlab("lab", "serve", "--web", "--only", "nonsense", status=harness.USAGE)
        self.assertIn("nonsense", done.err)
        done = self.netlab("lab", "serve", "--web", f"127.0.0.1:{room.web[1]}", "--only", "echo", "--port-offset", 20000, "--bind", "127.3.4.5",
                           status=UNAVAILABLE)
        self.assertIn("--web ADDR:PORT chooses another", done.err)


class Stream(RoomCase):
    def read(self, peer, pattern):
        """Reads until the pattern has come; returns what was read."""
        text = ""
        while not re.search(pattern, text):
            piece = peer.recv(65536)
            self.assertTrue(piece, text)
            text += piece.decode()
        return text

    def test_live(self):
        """lab serve --web: /events shows changes as they happen, to each what it may see"""
        room = self.room(names=("calc",))
        teacher, head = room.stream(teacher=True)
        self.assertIn("text/event-stream", head)
        own, _ = room.stream(source=TEAM)
        other, _ = room.stream(source=OTHER)
        room.calc(TEAM, SUM)
        for peer in (teacher, own):
            text = self.read(peer, r"event: team\ndata: \{.*\}\n\n")
            team = json.loads(re.search(r"event: team\ndata: (.*)", text)[1])
            self.assertEqual((team["address"], team["steps"]["calc_tcp"]["state"]), (TEAM, "done"))
            self.assertIn("retry: 1000\n\n", text)
        room.calc(OTHER, SUM)
        text = self.read(other, r"event: team\n.*\n\n")
        self.assertNotIn(TEAM, text)

    def test_resumption(self):
        """lab serve --web: Last-Event-ID continues after it, and one of an earlier run resets"""
        room = self.room(names=("calc",))
        first, _ = room.stream(source=TEAM)
        room.calc(TEAM, SUM)
        text = self.read(first, r"event: team\n.*\n\n")
        last = re.findall(r"id: (\d+)\n", text)[-1]
        first.close()
        room.udp("calc", TEAM, SUM).recv(100)
        room.until_cell(TEAM, "calc_udp", "done")
        again, _ = room.stream(source=TEAM, last=last)
        text = self.read(again, r"event: team\n.*\n\n")
        self.assertGreater(int(re.search(r"id: (\d+)\n", text)[1]), int(last))
        self.assertIn('"proto":"udp"', text)
        old, _ = room.stream(source=TEAM, last="7")
        self.assertIn("event: reset", self.read(old, r"event: reset\ndata: \{\}\n\n"))

    def test_shutdown(self):
        """lab serve --web: SIGTERM ends open streams at once"""
        room = self.room(names=("echo",))
        peers = [room.stream()[0] for _ in range(20)]
        done = room.server.stop()
        self.assertEqual(done.status, DONE)
        for peer in peers:
            harness.receive(peer)


class Hostile(RoomCase):
    def raw(self, room, octets, source="127.0.0.1"):
        """Everything that comes back."""
        peer = self.tcp(room.web[1], source=(source, 0))
        try:
            peer.sendall(octets)
            peer.shutdown(socket.SHUT_WR)
            return harness.receive(peer)
        except (ConnectionResetError, BrokenPipeError):
            return b""

    def is_well(self, room):
        self.assertEqual(room.ask("/api/teams")[0], 200)
        room.calc(TEAM, SUM).close()

    def test_host(self):
        """lab serve --web: a foreign name in Host is refused (DNS rebinding), also with the token"""
        room = self.room("--name", "lab.example", names=("echo",))
        for host in ("evil.example", f"evil.example:{room.web[1]}", "127.0.0.1.evil.example", "localhost.evil.example"):
            self.assertEqual(room.ask("/api/teams", teacher=True, host=host)[0], 421, host)
        for host in ("localhost", "127.0.0.1:1", "[::1]:8080", "192.0.2.1", "lab.example:8080", "LOCALHOST."):
            self.assertEqual(room.ask("/api/teams", host=host)[0], 200, host)

    def test_broken_requests(self):
        """lab serve --web: what is not HTTP gets an error and an end; the next one is served"""
        room = self.room(names=("calc",))
        good = b"Host: localhost\r\n\r\n"
        for octets, status in ((b"GET / HTTP/1.1\r\n\r\n", 400), (b"GET / HTTP/1.1\r\n" + b"Host: localhost\r\n" + good, 400),
                               (b"GET / HTTP/3.0\r\n" + good, 505), (b"BREW / HTTP/1.1\r\n" + good, 501),
                               (b"GET /\x00 HTTP/1.1\r\n" + good, 400), (b"GET / HTTP/1.1\n\n", 400),
                               (b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + good, 501),
                               (b"GET / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n" + good, 400),
                               (b"GET /" + b"a" * 3000 + b" HTTP/1.1\r\n" + good, 414),
                               (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 200 + good, 431),
                               (b"PUT /api/name HTTP/1.1\r\n" + good, 501), (b"DELETE / HTTP/1.1\r\n" + good, 405),
                               (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n", 400)):
            answer = self.raw(room, octets)
            self.assertRegex(answer, rb"^HTTP/1.1 %d " % status, octets[:80])
        for octets in (b"", b"\r\n", b"GET", b"\x00" * 100, bytes(range(256))):
            self.raw(room, octets)
            self.is_well(room)

    def test_large_header(self):
        """lab serve --web: a header of 1 MiB gets 431 and does not cost 1 MiB"""
        room = self.room(names=("calc",))
        self.is_well(room)
        before = room.server.memory("VmHWM")
        peers = [self.tcp(room.web[1]) for _ in range(50)]
        for peer in peers:
            try:
                peer.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * (1 << 20))
            except (ConnectionResetError, BrokenPipeError):
                continue
        for peer in peers:
            try:
                self.assertRegex(harness.receive_line(peer), rb"^HTTP/1.1 431 ")
            except ConnectionResetError:
                pass
        self.is_well(room)
        if not harness.is_sanitized():
            self.assertLess(room.server.memory("VmHWM") - before, 32 * 1024)

    def test_pieces(self):
        """lab serve --web: a request octet by octet, and several in one piece, are answered like any other"""
        room = self.room(names=("calc",))
        peer = self.tcp(room.web[1])
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in b"GET /api/teams HTTP/1.1\r\nHost: localhost\r\n\r\n":
            peer.sendall(bytes([octet]))
        self.assertEqual(harness.receive_line(peer), b"HTTP/1.1 200 OK\r\n")
        many = self.raw(room, b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 5)
        self.assertEqual(many.count(b"HTTP/1.1 200 OK"), 5)

    def test_readers(self):
        """lab serve --web: readers that never read cost bounded memory, and the others are served"""
        room = self.room(names=("calc", "submission"))
        part = "--x\r\nContent-Type: text/html\r\n\r\n" + ("x" * 990 + "\r\n") * 250
        room.mail_by_program(TEAM, text="From: a@b\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n" + part * 20 + "--x--\r\n")
        ident = harness.until(lambda: room.json("/api/mail", teacher=True)["mails"], "the mail")[0]["id"]
        before = room.server.memory("VmHWM")
        peers = []
        each = 5 if harness.is_sanitized() else 50  # the sanitizers take half a second to parse the message
        for path in [f"/mail/{ident}/source", f"/api/mail/{ident}", f"/mail/{ident}/html/1"] * each:
            peer = self.tcp(room.web[1])
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            peer.sendall(f"GET {path}?token={room.token} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            peers.append(peer)
        statuses = {harness.receive_line(peer)[:12] for peer in peers}
        self.assertEqual(statuses, {b"HTTP/1.1 200"})  # all readers share the bodies
        self.is_well(room)
        if not harness.is_sanitized():
            self.assertLess(room.server.memory("VmHWM") - before, 150 * 1024)
        for peer in peers:
            peer.close()
        harness.until(lambda: room.ask(f"/mail/{ident}/source", teacher=True)[0] == 200, "the message")

    def test_streams(self):
        """lab serve --web: 500 open streams, of which some never read, while teams work: every cell is right"""
        if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 2000:
            self.skipTest("500 streams are more descriptors than this process may have")
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
        room = self.room(names=("calc", "echo"))
        peers = [room.stream(teacher=True)[0] for _ in range(500)]
        for number in range(20):
            team = f"127.9.1.{number}"
            room.calc(team, SUM).close()
            room.udp("calc", team, SUM).recv(100)
            room.until_cell(team, "calc_tcp", "done")
            room.until_cell(team, "calc_udp", "done")
        text = b""
        while b"127.9.1.19" not in text:
            piece = peers[-1].recv(1 << 16)
            self.assertTrue(piece)
            text += piece
        self.assertEqual(room.server.stop().status, DONE)

    def test_slow_senders(self):
        """lab serve --web: hundreds who begin a request and do not end it leave the others their turn"""
        room = self.room(names=("calc",))
        peers = [self.tcp(room.web[1]) for _ in range(300)]
        for peer in peers:
            peer.sendall(b"GET / HTTP/1.1\r\nHost: loc")
        self.is_well(room)
        self.assertEqual(room.server.stop().status, DONE)

    def test_descriptors(self):
        """lab serve --web: without descriptors browsers wait in the queue; no core is burnt, and calc goes on"""
        if harness.is_sanitized():
            self.skipTest("a sanitizer's own descriptors are too many")
        room = self.room("--threads", 1, names=("calc",), preexec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)))
        kept = room.calc(TEAM, SUM)
        peers = [self.tcp(room.web[1]) for _ in range(80)]
        room.server.until_err(r"http accept: .*\(clients wait in the queue\)")
        began, computed = time.monotonic(), room.server.processor_time()
        for _ in range(100):
            kept.sendall(SUM)
            self.assertEqual(harness.receive(kept, 8), harness.answer(1, 3))
        time.sleep(0.5)  # what would be burnt is measured, not waited for
        self.assertLess(room.server.processor_time() - computed, 0.2 + (time.monotonic() - began) / 3)
        for peer in peers:
            peer.close()
        harness.until(lambda: room.ask("/api/teams")[0] == 200, "the page")


harness.main()
