# SPDX-License-Identifier: MIT
"""`netlab mail send` against faulty servers, one fault per case: it ends in time, with the right status and one line
about the reason. Faults that concern trust are in mail_trust_test.py."""

import concurrent.futures
import os
import re
import time

import harness
import smtp_server
from mail_sending import BRIEF, PASSWORD, PATIENT, TWO, Sending, main
from smtp_server import CLOSE, HANG, RESET, STALL, Each, Then


class Hanging(Sending):
    """A server that stops answering. All clients are started at once, so that they wait for their deadlines in
    parallel."""

    CASES = {  # stage, TLS, user
        "connect": ("connect", "starttls", None), "ehlo": ("ehlo", "starttls", None), "starttls": ("starttls", "starttls", None),
        "handshake": ("handshake", "starttls", None), "implicit": ("handshake", "implicit", None),
        "secure-ehlo": ("secure-ehlo", "starttls", None), "auth": ("auth", "starttls", "user"), "mail": ("mail", "starttls", None),
        "rcpt": ("rcpt", "starttls", None), "data": ("data", "starttls", None), "content": ("content", "starttls", None),
    }

    addCleanup = classmethod(lambda cls, *what: cls.addClassCleanup(*what))  # for the servers, which outlive a test

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.begun = {}
        for name, (stage, tls, user) in cls.CASES.items():
            server = smtp_server.Server(cls, tls=tls, certificate=cls.good, on={stage: HANG}, auth="PLAIN" if user else "")
            # The answer to the end of a message may take ten times as long.
            words = cls.words(server, user=user, timeout="600ms" if stage == "content" else BRIEF)
            process = harness.Process([harness.NETLAB, *words], env=harness.environment({"NETLAB_PASSWORD": PASSWORD}))
            cls.addClassCleanup(process.kill)
            cls.begun[name] = server, process

    def hangs(self, name, status=harness.TRY_LATER, says=""):
        server, process = self.begun[name]
        done = process.wait()
        self.assertEqual(done.status, status, done.err)
        self.assert_one_line(done, says)
        self.assert_keeps_secrets(done)
        session = server.session()
        self.assertEqual(session.messages, [])
        if server.tls == "starttls":
            self.assert_nothing_in_clear(session)

    def test_connect(self):
        """No greeting: 75"""
        self.hangs("connect", says="greeting")

    def test_ehlo(self):
        """No answer to EHLO: 75"""
        self.hangs("ehlo", says="EHLO")

    def test_starttls(self):
        """No answer to STARTTLS: 75"""
        self.hangs("starttls", says="STARTTLS")

    def test_handshake(self):
        """No TLS handshake, behind STARTTLS and at once: 75"""
        self.hangs("handshake", says="TLS")
        self.hangs("implicit", says="TLS")

    def test_secure_ehlo(self):
        """No answer to EHLO over TLS: 75"""
        self.hangs("secure-ehlo", says="EHLO")

    def test_auth(self):
        """No answer to AUTH: 75"""
        self.hangs("auth", says="AUTH")

    def test_mail(self):
        """No answer to MAIL: 75"""
        self.hangs("mail", says="MAIL")

    def test_rcpt(self):
        """No answer to RCPT: 75"""
        self.hangs("rcpt", says="RCPT")

    def test_data(self):
        """No answer to DATA: 75"""
        self.hangs("data", says="DATA")

    def test_content(self):
        """No answer behind the final dot: it is unknown whether it was delivered: 74"""
        self.hangs("content", status=harness.IO, says="unknown|delivered")

    def test_quit(self):
        """No answer to QUIT is waited for, but not long, and does no harm: 0"""
        server = self.server(on={"quit": HANG})
        before = time.monotonic()
        self.send(server, status=harness.DONE)
        self.assertLess(time.monotonic() - before, harness.DEADLINE / 2)
        self.assertEqual(len(server.session().messages), 1)


class Ending(Sending):
    """A server that ends the connection, gracefully or not."""

    def ends(self, stage, status=harness.UNAVAILABLE, says="closed|reset", user=None, tls="starttls", **how):
        for action in (CLOSE, RESET):
            with self.subTest("reset" if action is RESET else "close"):
                server = self.server(tls, on={stage: action}, auth="PLAIN" if user else "", **how)
                self.assert_fails(server, status, says, user=user)
                self.assertEqual(server.session().messages, [])

    def test_connect(self):
        """Ended before the greeting: 69"""
        self.ends("connect")

    def test_ehlo(self):
        """Ended behind EHLO: 69"""
        self.ends("ehlo")

    def test_starttls(self):
        """Ended behind STARTTLS: 69"""
        self.ends("starttls")

    def test_handshake(self):
        """Ended in the TLS handshake: 69"""
        self.ends("handshake", says="closed|reset|TLS")

    def test_secure_ehlo(self):
        """Ended behind EHLO over TLS: 69"""
        self.ends("secure-ehlo")

    def test_auth(self):
        """Ended behind AUTH: 69"""
        self.ends("auth", user="user")

    def test_mail(self):
        """Ended behind MAIL: 69"""
        self.ends("mail")

    def test_rcpt(self):
        """Ended behind RCPT: 69"""
        self.ends("rcpt")

    def test_data(self):
        """Ended behind DATA: 69"""
        self.ends("data")

    def test_content(self):
        """Ended behind the final dot: it is unknown whether it was delivered, and not sent again: 74"""
        for keywords in (smtp_server.KEYWORDS, ()):
            self.ends("content", status=harness.IO, says="unknown|delivered", keywords=keywords)

    def test_bdat(self):
        """Ended behind the last chunk: likewise: 74"""
        self.ends("bdat", status=harness.IO, says="unknown|delivered", keywords=(*smtp_server.KEYWORDS, "CHUNKING"))

    def test_once(self):
        """A message whose outcome is unknown is sent once only"""
        server = self.server(on={"content": CLOSE})
        self.send(server, status=harness.IO)
        server.session()
        self.assertEqual(len(server.sessions), 1)

    def test_stalled_content(self):
        """354, and nothing of a large message is read: 75, within --timeout, with and without TLS, as DATA and as BDAT"""
        large = self.scratch() / "large.bin"
        with open(large, "wb") as file:
            file.truncate(64 << 20)
        with concurrent.futures.ThreadPoolExecutor() as side_by_side:
            waits = {}
            for tls in ("none", "starttls"):
                for keywords, stage in ((("SIZE",), "data"), (("SIZE", "CHUNKING"), "rcpt")):
                    answer = "354 go on" if stage == "data" else "250 2.1.5 ok"
                    server = self.server(tls, keywords=keywords, on={stage: Then(answer, STALL)})
                    waits[tls, stage] = side_by_side.submit(self.assert_fails, server, harness.TRY_LATER,
                                                            "has read nothing of the message", "--attach", large,
                                                            timeout=BRIEF)
            for (tls, stage), wait in waits.items():
                with self.subTest(tls=tls, stage=stage):
                    wait.result()

    def test_in_content(self):
        """354, then the end while a large message is under way: 69, it was not handed over"""
        large = self.scratch() / "large.bin"
        with open(large, "wb") as file:
            file.truncate(64 << 20)
        server = self.server("none", keywords=("SIZE",), on={"data": Then("354 go on", RESET)})
        self.assert_fails(server, harness.UNAVAILABLE, "closed|reset|broken pipe", "--attach", large)
        self.assertEqual(server.session().messages, [])


class Refusing(Sending):
    """A server that refuses, temporarily or permanently."""

    def refuses(self, stage, reply, status, says=None, user=None, tls="starttls", **how):
        server = self.server(tls, on={stage: reply}, auth="PLAIN" if user else "", **how)
        done = self.assert_fails(server, status, says or re.escape(reply[:3]), user=user)
        self.assertEqual(server.session().messages, [])
        return done

    def test_421(self):
        """421 in any state: 75"""
        for stage in ("connect", "ehlo", "starttls", "secure-ehlo", "auth", "mail", "rcpt", "data", "content"):
            with self.subTest(stage):
                self.refuses(stage, "421 4.3.2 shutting down", harness.TRY_LATER, user="user")

    def test_greeting(self):
        """554 instead of a greeting: 69"""
        self.refuses("connect", "554 5.7.1 go away", harness.UNAVAILABLE)

    def test_mail(self):
        """550 and 451 to MAIL: 69 and 75"""
        self.refuses("mail", "550 5.7.1 not you", harness.UNAVAILABLE)
        self.refuses("mail", "451 4.7.1 not now", harness.TRY_LATER)

    def test_data(self):
        """554 and 451 to DATA: 69 and 75"""
        self.refuses("data", "554 5.5.1 no", harness.UNAVAILABLE)
        self.refuses("data", "451 4.3.0 later", harness.TRY_LATER)

    def test_content(self):
        """554 and 451 behind the final dot: 69 and 75, what the server says is shown"""
        self.refuses("content", "554 5.7.1 spam", harness.UNAVAILABLE, says="554 5.7.1 spam")
        self.refuses("content", "451 4.3.0 greylisted", harness.TRY_LATER, says="451 4.3.0 greylisted")

    def test_bdat(self):
        """554 and 451 behind the last chunk: 69 and 75"""
        keywords = (*smtp_server.KEYWORDS, "CHUNKING")
        self.refuses("bdat", "554 5.7.1 spam", harness.UNAVAILABLE, keywords=keywords)
        self.refuses("bdat", "451 4.3.0 later", harness.TRY_LATER, keywords=keywords)

    def test_one_recipient(self):
        """One recipient of two is refused, for good or for now: sent to the other, the refusal is named: 1"""
        for reply in ("550 5.1.1 no such user", "451 4.2.1 full"):
            for keywords in (smtp_server.KEYWORDS, (), (*smtp_server.KEYWORDS, "CHUNKING")):
                with self.subTest((reply, keywords)):
                    server = self.server(on={"rcpt": Each(reply, None)}, keywords=keywords)
                    done = self.send(server, status=harness.PARTLY, to=TWO)
                    self.assertIn(TWO[0], done.err)
                    self.assertIn(reply, done.err)
                    self.assertNotIn(TWO[1], done.err)
                    self.assertRegex(done.out, r"^sent \S+ to 1 recipient: 250 ")
                    self.assertEqual([message.recipients for message in server.session().messages], [[TWO[1]]])

    def test_all_or_nothing(self):
        """--all-or-nothing: one recipient refused, sent to none: 69, or 75 where it may be worth another try"""
        for reply, status in (("550 5.1.1 no such user", harness.UNAVAILABLE), ("451 4.2.1 full", harness.TRY_LATER)):
            for keywords in (smtp_server.KEYWORDS, (), (*smtp_server.KEYWORDS, "CHUNKING")):
                with self.subTest((reply, keywords)):
                    server = self.server(on={"rcpt": Each(reply, None)}, keywords=keywords)
                    done = self.send(server, "--all-or-nothing", status=status, to=TWO)
                    self.assertIn(TWO[0], done.err)
                    self.assertEqual([message for message in server.session().messages if message.octets], [])

    def test_every_recipient(self):
        """Every recipient is refused: 69, 75 where one was for now; nothing is sent to anybody"""
        for replies, status in ((("550 5.1.1 no",), harness.UNAVAILABLE), (("451 4.2.1 later",), harness.TRY_LATER),
                                (("550 5.1.1 no", "451 4.2.1 later"), harness.TRY_LATER)):
            for keywords in (smtp_server.KEYWORDS, (), (*smtp_server.KEYWORDS, "CHUNKING")):
                with self.subTest((replies, keywords)):
                    server = self.server(on={"rcpt": Each(*replies)}, keywords=keywords)
                    done = self.send(server, status=status, to=TWO)
                    self.assertEqual(done.out, "")
                    for name in TWO:
                        self.assertIn(name, done.err)
                    self.assertEqual(server.session().messages, [])

    def test_data_for_nobody(self):
        """Every recipient is refused, but DATA, which was pipelined, gets its 354: an empty message ends it"""
        server = self.server(on={"rcpt": "550 5.1.1 no", "data": Then("354 go on", lambda session, _: "554 5.5.1 no recipients"
                                                                      if session._content() == b"" else "250 2.0.0 oh")})
        self.assert_fails(server, harness.UNAVAILABLE, "550 5.1.1 no")

    def test_forward(self):
        """251 and 252 to RCPT are yes: 0"""
        for reply in ("251 user not local; will forward", "252 cannot VRFY"):
            server = self.server(on={"rcpt": reply})
            self.send(server, status=harness.DONE)
            self.assertEqual(len(server.session().messages), 1)

    def test_size(self):
        """A message above the server's SIZE is not begun, and 552 to MAIL believed: 69"""
        server = self.server(keywords=("SIZE 100", "PIPELINING"))
        self.assert_fails(server, harness.UNAVAILABLE, "100", body="x" * 200)
        self.assertNotIn("DATA", server.session().verbs())
        self.refuses("mail", "552 5.3.4 too big", harness.UNAVAILABLE)


class Babbling(Sending):
    """A server that breaks the protocol."""

    def babbles(self, stage, what, status=harness.PROTOCOL, says="", tls="starttls", user=None, timeout=PATIENT, **how):
        server = self.server(tls, on={stage: what}, auth="PLAIN" if user else "", **how)
        done = self.assert_fails(server, status, says, user=user, timeout=timeout)
        session = server.session()
        self.assertEqual(session.messages, [])
        return done

    def test_codes(self):
        """Replies that are none, in every state: 76"""
        for stage in ("connect", "ehlo", "starttls", "secure-ehlo", "auth", "mail", "rcpt", "data"):
            for garbage in ("999 what", "banana", b"\x00\xff\x1b[2J\r\n", "25 ok", "250x ok", "250-one\r\n550 other", "100 wait", ""):
                with self.subTest((stage, garbage)):
                    self.babbles(stage, garbage, user="user")

    def test_code_behind_dot(self):
        """A reply that is none behind the final dot: it is unknown whether it was delivered: 74"""
        self.babbles("content", "banana", status=harness.IO, says="unknown|delivered")

    def test_surprise(self):
        """Codes that mean something else: 354 to MAIL, 250 to DATA, 334 to EHLO: 76"""
        for stage, reply in (("mail", "354 go on"), ("rcpt", "354 go on"), ("data", "250 ok"), ("secure-ehlo", "334 "),
                             ("connect", "354 x")):
            with self.subTest(stage):
                self.babbles(stage, reply)

    def test_long_line(self):
        """A reply line of 1 MiB, and one that never ends: 76"""
        self.babbles("secure-ehlo", "250 " + "x" * (1 << 20))
        self.babbles("connect", lambda session, _: self.pour(session, b"220 ", b"x" * 65536))
        self.babbles("rcpt", lambda session, _: self.pour(session, b"550 ", b"x" * 65536))

    def test_endless_reply(self):
        """A reply to EHLO that has no last line: 76"""
        self.babbles("secure-ehlo", lambda session, _: self.pour(session, b"", b"250-X-KEYWORD some words\r\n" * 100))
        self.babbles("ehlo", lambda session, _: self.pour(session, b"", b"250-X\r\n" * 1000))

    @staticmethod
    def pour(session, first, again):
        """Repeats this until the client gives up."""
        session.say(first)
        while True:
            session.say(again)
            session.flush()

    def test_unasked(self):
        """A reply more than there were questions ends the session: 76, or what the reply says; nothing is sent"""
        for extra, status, says in (("250 2.0.0 extra", harness.PROTOCOL, "an answer without a command: 250 2.0.0 extra"),
                                    ("550 5.0.0 extra", harness.UNAVAILABLE, "550 5.0.0 extra"),
                                    ("450 4.0.0 extra", harness.TRY_LATER, "450 4.0.0 extra")):
            with self.subTest(extra):
                server = self.server(on={"secure-ehlo": Then("250 test.example\r\n" + extra)})
                self.assert_fails(server, status, re.escape(says))
                self.assertEqual(server.session().messages, [])

    def test_splits(self):
        """Replies in single octets, merged and delayed ones, CRLF or LF: 0"""
        def late(session, _):
            time.sleep(0.02)

        on = {stage: late for stage in ("connect", "ehlo", "secure-ehlo", "auth", "mail", "rcpt", "data", "content", "quit")}
        for how in ({"splits": True}, {"merges": False}, {"merges": False, "on": on}, {"merges": True, "on": on},
                    {"on": {"mail": b"250 ok\n", "content": b"250-2.0.0 this\n250 2.0.0 ok\n"}}):
            for keywords in (smtp_server.KEYWORDS, (), (*smtp_server.KEYWORDS, "CHUNKING")):
                with self.subTest((how, keywords)):
                    server = self.server(auth="PLAIN", keywords=keywords, **how)
                    self.send(server, status=harness.DONE, to=TWO, user="user")
                    session = server.session()
                    self.assertEqual(session.login, "user")
                    if "content" not in how.get("on", {}) or how["on"]["content"] is late:
                        self.assertEqual([message.recipients for message in session.messages], [list(TWO)])

    def test_terminal(self):
        """What a server says cannot act on the terminal, with -v neither"""
        nasty = "550 5.1.1 \x1b]0;owned\x07\x1b[2J\u202e no"
        for more in ((), ("-v",)):
            server = self.server(on={"rcpt": nasty})
            done = self.send(server, *more, status=harness.UNAVAILABLE)
            self.assertNotIn("\x1b", done.err)
            self.assertNotIn("\u202e", done.err)
            self.assertIn("\\x1b", done.err)

    def test_helo(self):
        """EHLO is not understood: HELO is: 0"""
        server = self.server("none", on={"ehlo": "502 5.5.1 what?"})
        self.send(server, status=harness.DONE)
        session = server.session()
        self.assertEqual(session.verbs()[:3], ["EHLO", "HELO", "MAIL"])
        self.assertEqual(len(session.messages), 1)


class Input(Sending):
    """Messages that cannot be read or composed."""

    def attach(self, name, size=6 << 20):
        path = self.scratch() / name
        with open(path, "wb") as file:
            file.truncate(size)
        return path

    def test_shrinks(self):
        """An attachment that shrinks while it is read: 74, and the message is not ended as if it were whole"""
        self.changes(lambda path: os.truncate(path, 2 << 20), smtp_server.KEYWORDS)

    def test_grows(self):
        """An attachment that grows while it is read: 74, likewise"""
        self.changes(lambda path: os.truncate(path, 7 << 20), smtp_server.KEYWORDS)

    def changes(self, how, keywords):
        path = self.attach("report.bin")

        def change(session, _):
            how(path)

        server = self.server("none", keywords=keywords, on={"data": change})
        self.assert_fails(server, harness.IO, "report.bin.*changed", "--attach", path)
        session = server.session()
        self.assertEqual(session.messages, [])
        self.assertNotIn(b"\r\n.\r\n", session.wire)

    def test_unreadable(self):
        """A file that is missing, or a directory, as attachment, text, HTML and ready message: 66, before anything is sent"""
        server = self.server("none")
        for option in ("--attach", "--body-file", "--html", "--raw"):
            for path in (self.scratch() / "missing", self.scratch()):
                with self.subTest((option, path)):
                    self.assert_fails(server, harness.NO_INPUT, re.escape(str(path)), option, path,
                                      body="hello" if option in ("--attach", "--html") else None)
        self.assertEqual(server.sessions, [])

    def test_empty(self):
        """An empty stdin is an empty text: 0"""
        server = self.server("none")
        self.send(server, status=harness.DONE, body=None, input=b"")
        self.assertTrue(server.session().messages[0].octets.endswith(b"\r\n\r\n"))

    def test_injection(self):
        """Line ends, NUL and more in addresses, subject and headers: 64 or 65, before anything is sent"""
        server = self.server("none")
        for words in (("--subject", "a\r\nBcc: x@y"), ("--subject", "a\nb"), ("--to", "a@b\r\nRCPT TO:<c@d>"), ("--cc", "a\n@b"),
                      ("--from", "a@b>\r\nX"), ("--envelope-from", "a@b>\r\nRSET"), ("--header", "X: a\r\nY: b"),
                      ("--header", "X\nY: b"), ("--header", "Bcc: a@b"), ("--helo", "a\r\nMAIL"), ("--to", "nobody"),
                      ("--dsn", "success\r\nX"), ("--user", "a\r\nb")):
            with self.subTest(words):
                done = self.send(server, *words, status=None)
                self.assertIn(done.status, (harness.USAGE, harness.BAD_DATA), done.err)
                self.assertEqual(len(done.error_lines), 1, done.err)
                self.assertEqual(server.sessions, [])

    def test_lines(self):
        """Lone CR and LF become CRLF, dots get their dots, and only CRLF ends a line on the wire"""
        server = self.server("none")
        self.send(server, status=harness.DONE, body=None, input=b".a\n..\rb\r\n.\r\nlast")
        session = server.session()
        self.assertTrue(session.messages[0].octets.endswith(b"\r\n\r\n.a\r\n..\r\nb\r\n.\r\nlast\r\n"), session.messages[0].octets)
        self.assertNotRegex(session.wire, rb"[^\r]\n|\r[^\n]")


main()
