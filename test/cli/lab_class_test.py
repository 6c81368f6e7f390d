#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""netlab lab serve --web: each step of the sheet, done right and wrong by sockets, is recognized; the journal, the roster."""

import json
import resource
import signal
import struct
import unittest

import harness
from classroom import RoomCase, little, needs_page
from harness import BAD_DATA, CANNOT_CREATE, DONE, NO_INPUT, USAGE

STEPS = ["calc_tcp", "calc_udp", "telnet", "several_clients", "local_end", "echo_tcp", "echo_udp", "scan_tcp",
         "scan_udp", "mail_by_hand", "mail_by_program", "sender_differs"]
TEAM = "127.9.0.7"
SUM = harness.request(1, "SUM", 1, 2)


class Steps(RoomCase):
    def test_right(self):
        """lab serve --web: a team that does the whole sheet has every step done, and another one none"""
        room = self.room()
        first = room.calc(TEAM, SUM)
        second = room.calc(TEAM, SUM)
        first.sendall(SUM)
        harness.receive(first, 8)
        room.udp("calc", TEAM, SUM).recv(100)
        typed = room.tcp("calc", TEAM)
        typed.sendall(b"sum 1 2\r\n")
        self.assertEqual(harness.receive_line(typed), b"3\r\n")
        room.calc(TEAM, SUM, port=4711)
        for peer in (first, second, typed):
            peer.close()
        echo = room.tcp("echo", TEAM)
        echo.sendall(b"hello")
        harness.receive(echo, 5)
        room.udp("echo", TEAM, b"hello").recv(100)
        room.until_cell(TEAM, "echo_tcp", "done")
        room.until_cell(TEAM, "echo_udp", "done")
        for name in ("echo", "discard", "daytime", "chargen", "smtp", "time"):
            room.tcp(name, TEAM).close()
        for name in ("echo", "discard", "daytime", "time"):
            room.udp(name, TEAM, b"")
        room.mail_by_program(TEAM, sender="boss@lab.example")
        self.assertRegex(room.mail_by_hand(TEAM), b"^250 ")
        for step in STEPS:
            room.until_cell(TEAM, step, "done")
        room.udp("calc", "127.9.0.8", b"x")
        room.until_cell("127.9.0.8", "calc_udp", "tried", "a request has at least 8")
        other = room.teams()["127.9.0.8"]["steps"]
        self.assertEqual([step for step in STEPS if other[step]["state"] != "none"], ["calc_udp"])
        self.assertEqual(list(other), STEPS)
        self.assertEqual(room.server.stop().status, DONE)

    def test_wrong(self):
        """lab serve --web: what a team did wrong stands in its cell"""
        room = self.room()
        room.calc(TEAM, little(1, "SUM", 1, 2))
        room.until_cell(TEAM, "calc_tcp", "tried", "sent little-endian")
        waiting = room.calc(TEAM, harness.request(1, "SUM", 1, 2, count=3), answer=False)
        room.until_cell(TEAM, "calc_tcp", "tried", "N says 3, 2 numbers came")
        waiting.sendall(struct.pack("!i", 3))
        harness.receive(waiting, 8)
        room.until_cell(TEAM, "calc_tcp", "done")
        room.udp("calc", TEAM, harness.request(1, "MIN"))
        room.until_cell(TEAM, "calc_udp", "tried", "waits for an answer to MIN of nothing")
        room.tcp("calc", TEAM).sendall(b"SUM one\r\n")
        room.until_cell(TEAM, "telnet", "tried", "'one' is not a whole number")
        for name in ("echo", "discard", "daytime"):
            room.tcp(name, TEAM).close()
        room.until_cell(TEAM, "scan_tcp", "tried", "10019, 10025, 10037")
        room.mail_by_program(TEAM)
        room.until_cell(TEAM, "sender_differs", "tried", "sender and From are both <a@lab.example>")
        room.mail_by_hand(TEAM, tls=False)
        room.until_cell(TEAM, "mail_by_hand", "tried", "without STARTTLS")
        self.assertIn(room.teams()[TEAM]["stuck_step"], ("mail_by_hand", "sender_differs"))  # tried at the same time

    def test_octets(self):
        """lab serve --web: an event has its octets, and fields that cover them"""
        room = self.room(names=("calc",))
        room.calc(TEAM, harness.request(7, "MAX", -1, 5), port=4712)
        room.until_cell(TEAM, "calc_tcp", "done")
        event = next(each for each in room.events(TEAM) if each["text"].startswith("MAX"))
        self.assertEqual(event["text"], "MAX -1 5 = 5")
        self.assertEqual(bytes.fromhex(event["octets"]), harness.request(7, "MAX", -1, 5))
        self.assertEqual([(each["name"], each["from"], each["to"], each["value"]) for each in event["fields"]],
                         [("id", 0, 4, "7"), ("operation", 4, 7, "MAX"), ("count", 7, 8, "2"), ("z1", 8, 12, "-1"), ("z2", 12, 16, "5")])
        self.assertEqual((event["service"], event["proto"], event["verdict"], event["port"]), ("calc", "tcp", "ok", 4712))

    def test_little_endian_lab(self):
        """lab serve --web --byte-order little: the other order is then the wrong one"""
        room = self.room("--byte-order", "little", names=("calc",))
        room.calc(TEAM, little(1, "SUM", 1, 2))
        room.until_cell(TEAM, "calc_tcp", "done")
        room.udp("calc", TEAM, SUM)
        room.until_cell(TEAM, "calc_udp", "tried", "sent big-endian")

    def test_flood(self):
        """lab serve --web: one address that floods is counted, not kept; the others' cells are right"""
        room = self.room(names=("calc", "echo"))
        shouter = self.udp("127.9.0.66")
        for _ in range(20_000):
            shouter.sendto(b"x" * 100, (room.address, room.ports["calc"]))
        room.calc(TEAM, SUM)
        room.until_cell(TEAM, "calc_tcp", "done")
        harness.until(lambda: room.json("/api/teams", teacher=True)["totals"]["dropped"] > 0, "dropped")
        self.assertLessEqual(len(room.events("127.9.0.66")), 200)

    def test_json(self):
        """lab serve --json: events of the class are lines on stdout, each in one piece beside those of mail"""
        room = self.room("--json", web=None, names=("calc", "submission"))
        room.ca = json.loads(room.server.ready[0])["file"]
        room.calc(TEAM, SUM)
        room.mail_by_program(TEAM)
        room.server.until_out(r'"mail_by_program"')
        done = room.server.stop()
        lines = [json.loads(line) for line in done.lines]
        calc = next(each for each in lines if each["event"] == "class" and each["service"] == "calc")
        self.assertEqual((calc["team"], calc["text"], calc["marks"][0]), (TEAM, "SUM 1 2 = 3", {"step": "calc_tcp", "state": "done", "note": ""}))
        self.assertTrue(any(each["event"] == "message" for each in lines))


class Journal(RoomCase):
    def test_killed(self):
        """lab serve --journal: after kill -9 the next start has what was seen, and goes on"""
        journal = self.scratch() / "class.jsonl"
        room = self.room(names=("calc", "submission"), journal=journal)
        room.calc(TEAM, SUM)
        room.mail_by_program(TEAM)
        self.assertEqual(room.ask("/api/name", source=TEAM, method="POST", body="name=Us",
                                  Content_Type="application/x-www-form-urlencoded")[0], 303)
        room.until_cell(TEAM, "mail_by_program", "done")
        harness.until(lambda: b'"record":"mail"' in journal.read_bytes() and b'"record":"name"' in journal.read_bytes(), "all records")
        room.server.send(signal.SIGKILL)
        room.server.wait()
        kept = journal.read_bytes()
        self.assertEqual(journal.stat().st_mode & 0o777, 0o600)
        journal.write_bytes(kept + b'{"record":"event","id":99')  # torn
        again = self.room(names=("calc", "submission"), journal=journal)
        team = again.teams()[TEAM]
        self.assertEqual((team["name"], team["steps"]["calc_tcp"]["state"], team["steps"]["mail_by_program"]["state"]),
                         ("Us", "done", "done"))
        self.assertEqual(len(again.json("/api/mail", teacher=True)["mails"]), 1)
        before = max(each["id"] for each in again.events(TEAM))
        again.udp("calc", TEAM, SUM).recv(100)
        again.until_cell(TEAM, "calc_udp", "done")
        self.assertGreater(max(each["id"] for each in again.events(TEAM)), before)
        self.assertIn("1 incomplete line", again.server.stop().err)
        self.assertTrue(journal.read_bytes().startswith(kept))
        for line in journal.read_text(encoding="utf-8").splitlines():
            json.loads(line)

    def test_long_lines(self):
        """lab serve --journal: a line that is too long, whole or torn, spoils no other"""
        journal = self.scratch() / "class.jsonl"
        room = self.room(names=("calc",), journal=journal, web=None)
        room.calc(TEAM, SUM)
        harness.until(lambda: b"SUM 1 2 = 3" in journal.read_bytes(), "the event")
        room.server.stop()
        kept = journal.read_bytes()
        long = b"x" * (1 << 21)
        journal.write_bytes(kept + long + b"\n" + long)
        again = self.room(names=("calc",), journal=journal, web=None)
        again.udp("calc", TEAM, SUM).recv(100)
        harness.until(lambda: b'"proto":"udp"' in journal.read_bytes(), "the event")
        self.assertIn("2 incomplete lines", again.server.stop().err)
        written = journal.read_bytes()
        self.assertTrue(written.startswith(kept + long + b"\n"))
        for line in written[len(kept + long) + 1:].splitlines():
            json.loads(line)

    def test_one_write_each(self):
        """lab serve --journal: each event is one write of one line"""
        strace = harness.shutil.which("strace")
        if not strace or harness.is_sanitized():
            self.skipTest("needs strace, and a binary without sanitizers")
        journal = self.scratch() / "class.jsonl"
        room = self.room(names=("calc",), journal=journal)
        trace = self.scratch() / "trace"
        tracer = self.background(strace, "-f", "-e", "trace=write", "-s", "100000", "-o", trace, "-p", room.server.child.pid)
        tracer.until_err("attached")
        room.calc(TEAM, SUM)
        room.until_cell(TEAM, "calc_tcp", "done")
        harness.until(lambda: trace.exists() and "SUM 1 2 = 3" in trace.read_text(encoding="utf-8", errors="replace"), "the write")
        tracer.stop(signal.SIGINT)
        writes = [line for line in trace.read_text(encoding="utf-8", errors="replace").splitlines() if "record" in line]
        self.assertTrue(writes)
        for line in writes:
            self.assertRegex(line, r'write\(\d+, "\{\\"record\\":.*\}\\n", \d+\)')

    def test_full_disk(self):
        """lab serve --journal: a full disk is said once, the page goes on, and the file stays whole"""
        journal = self.scratch() / "class.jsonl"
        room = self.room(names=("calc",), journal=journal,
                         preexec=lambda: (signal.signal(signal.SIGXFSZ, signal.SIG_IGN), resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))))
        for number in range(30):
            room.calc(TEAM, harness.request(number, "SUM", number)).close()
        harness.until(lambda: TEAM in room.teams() and any(each["text"] == "SUM 29 = 29" for each in room.events(TEAM)), "the last event")
        done = room.server.stop()
        self.assertEqual(done.err.count("events are shown, but not kept"), 1, done.err)
        for line in journal.read_text(encoding="utf-8").splitlines(keepends=True):
            self.assertTrue(line.endswith("\n"))
            json.loads(line)

    def test_not_a_journal(self):
        """lab serve --journal: a file of another kind, a directory, and a file in use are refused, and left as they are"""
        thesis = self.scratch() / "thesis.txt"
        for content in (b"Chapter 1\n\nIt was", b"no line end", b"x" * 2_000_000):
            thesis.write_bytes(content)
            self.refused("lab", "serve", "--only", "echo", "--port-offset", 10000, "--journal", thesis, status=BAD_DATA, says="not a journal")
            self.assertEqual(thesis.read_bytes(), content)
        self.refused("lab", "serve", "--only", "echo", "--port-offset", 10000, "--journal", self.scratch(), status=CANNOT_CREATE)
        journal = self.scratch() / "class.jsonl"
        self.room(names=("echo",), journal=journal)
        self.refused("lab", "serve", "--only", "echo", "--port-offset", 10000, "--journal", journal, status=CANNOT_CREATE,
                     says="in use by another process")

    def test_without_page(self):
        """lab serve --journal without --web keeps the journal all the same"""
        journal = self.scratch() / "class.jsonl"
        room = self.room(names=("calc",), journal=journal, web=None)
        room.calc(TEAM, SUM).close()
        self.assertEqual(room.server.stop().status, DONE)  # what is left is written at the end
        self.assertIn('"SUM 1 2 = 3"', journal.read_text(encoding="utf-8"))


class Roster(RoomCase):
    def test_names(self):
        """lab serve --roster: addresses and mail users have the names of their teams"""
        roster = self.scratch() / "roster"
        roster.write_text(f"# the class\n{TEAM}, Blue\n127.9.0.8, Blue\nalice, Red\n", encoding="utf-8")
        password = self.scratch() / "password"
        password.write_text("secret\n", encoding="utf-8")
        room = self.room("--roster", roster, "--user", "alice", "--password-file", password, names=("calc", "submission"))
        room.calc(TEAM, SUM)
        room.udp("calc", "127.9.0.8", SUM)
        harness.until(lambda: len(room.teams()) == 1 and room.teams()[TEAM]["steps"]["calc_udp"]["state"] == "done", "one team")
        self.assertEqual((room.teams()[TEAM]["name"], room.teams()[TEAM]["addresses"]), ("Blue", [TEAM, "127.9.0.8"]))
        import smtplib
        with smtplib.SMTP(room.address, room.ports["submission"], timeout=harness.DEADLINE, source_address=("127.9.0.9", 0)) as client:
            client.starttls(context=room.context())
            client.login("alice", "secret")
            client.sendmail("alice@lab.example", "b@lab.example", "From: alice@lab.example\r\n\r\nhi\r\n")
        room.until_cell("127.9.0.9", "mail_by_program", "done")
        self.assertEqual(room.teams()["127.9.0.9"]["name"], "Red")
        self.assertNotIn("secret", json.dumps(room.events("127.9.0.9")))
        mail = room.json("/api/mail", teacher=True)["mails"][0]
        dialogue = room.json(f"/api/mail/{mail['id']}", teacher=True)["dialogue"]
        self.assertTrue(any(each["text"].startswith("AUTH") for each in dialogue))
        self.assertNotIn("AGFsaWNl", json.dumps(dialogue))
        status, _, body = room.ask("/api/name", source=TEAM, method="POST", body="name=x", Content_Type="application/x-www-form-urlencoded")
        self.assertEqual(status, 400, body)

    @needs_page
    def test_bad_files(self):
        """lab serve: a roster or a token that makes no sense is named with its line"""
        base = ("lab", "serve", "--only", "echo", "--port-offset", 10000, "--web", "127.0.0.1:0")
        roster = self.scratch() / "roster"
        roster.write_text("127.0.0.1, a\nnonsense\n", encoding="utf-8")
        self.refused(*base, "--roster", roster, status=BAD_DATA, says="line 2: 'nonsense' has no name")
        self.refused(*base, "--roster", roster.parent / "none", status=NO_INPUT)
        token = self.scratch() / "token"
        token.write_text("short\n", encoding="utf-8")
        self.refused(*base, "--web-token-file", token, status=BAD_DATA, says="has no token")
        for odd in ("x:y", "300.1.1.1:80", "127.0.0.1:99999", "name.example:80"):
            self.refused(*base[:-1], odd, status=USAGE)

    @unittest.skipIf(harness.has_page(), "netlab was built with --web")
    def test_left_out(self):
        """lab serve --web: a build without the page says so"""
        self.refused("lab", "serve", "--web", "127.0.0.1:0", status=USAGE, says="this netlab was built without the page")

    def test_token_file(self):
        """lab serve --web-token-file: the teacher's address stays the same over restarts, and nobody else reads the file"""
        token = self.scratch() / "token"
        first = self.room("--web-token-file", token, names=("echo",))
        self.assertEqual(token.stat().st_mode & 0o777, 0o600)
        self.assertEqual(token.read_text(encoding="ascii").strip(), first.token)
        first.server.stop()
        second = self.room("--web-token-file", token, names=("echo",))
        self.assertEqual(second.token, first.token)
        self.assertNotEqual(self.room(names=("echo",)).token, first.token)

    @needs_page
    def test_token_on_a_full_disk(self):
        """lab serve --web-token-file: a token that cannot be written leaves no file, so that the next start makes one"""
        token = self.scratch() / "token"
        self.refused("lab", "serve", "--only", "echo", "--port-offset", 10000, "--web", "127.0.0.1:0", "--web-token-file", token,
                     status=CANNOT_CREATE, says=f"create {token}",
                     preexec_fn=lambda: (signal.signal(signal.SIGXFSZ, signal.SIG_IGN), resource.setrlimit(resource.RLIMIT_FSIZE, (5, 5))))
        self.assertEqual(list(token.parent.iterdir()), [])
        self.assertTrue(self.room("--web-token-file", token, names=("echo",)).token)


harness.main()
