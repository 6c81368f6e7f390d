# SPDX-License-Identifier: MIT
"""`netlab mail send` against servers that fail it, one fault a case: it ends, in time, with the status that fits, one line
that says why, and nothing sent that should not have been."""

import base64
import os
import re
import shutil
import time

import certificates
import harness
import smtp_server
from smtp_server import CLOSE, HANG, RESET, Each, Then

BRIEF = "700ms"   # for a server that will not answer
PATIENT = "1m"    # for one that will
PASSWORD = "secret"
TWO = ("b@example.org", "c@example.org")


class Sending(harness.Case):
    @classmethod
    def setUpClass(cls):
        cls.place = harness.pathlib.Path(harness.tempfile.mkdtemp(prefix="netlab-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.place, ignore_errors=True)
        cls.authority = certificates.Authority(cls.place)
        cls.good = cls.authority.server()

    def server(self, tls="starttls", certificate=None, **how):
        return smtp_server.Server(self, tls=tls, certificate=None if tls == "none" else certificate or self.good, **how)

    def send(self, server, *words, status, to=TWO[:1], timeout=PATIENT, tls=None, body="hello", user=None, trust=None, env=None,
             **how):
        given = ["--server", f"localhost:{server.port}", "-4", "--from", "a@example.org", "--timeout", timeout]
        given += ["--tls", tls or server.tls]
        option = ""
        for each in to:  # recipients, and options with their values
            given += [each] if each.startswith("--") or option.startswith("--") else ["--to", each]
            option = each
        if (tls or server.tls) != "none":
            given += ["--ca-file", trust or self.authority.file]
        if user:
            given += ["--user", user]
        if body is not None:
            given += ["--body", body]
        done = self.netlab("mail", "send", *given, *words, status=status, env={"NETLAB_PASSWORD": PASSWORD, **(env or {})}, **how)
        self.assert_keeps_secrets(done)
        return done

    def assert_keeps_secrets(self, done):
        both = done.out + done.err
        for spelled in (PASSWORD, base64.b64encode(PASSWORD.encode()).decode(),
                        base64.b64encode(f"\0user\0{PASSWORD}".encode()).decode()):
            self.assertNotIn(spelled, both)
        self.assertNotRegex(both, r"[\x00-\x08\x0b-\x1f\x7f]")

    def assert_fails(self, server, status, says, *words, **how):
        """One line says why."""
        done = self.send(server, *words, status=status, **how)
        self.assertEqual(done.out, "")
        self.assertEqual(len(done.error_lines), 1, done.err)
        self.assertRegex(done.err, r"^netlab mail send: ")
        self.assertRegex(done.err, f"(?i){says}")
        return done

    def assert_nothing_in_clear(self, session):
        self.assertTrue(set(re.findall(rb"(?m)^[A-Za-z]{4,}", session.plain)) <= {b"EHLO", b"STARTTLS", b"QUIT"}, session.plain)


class Hanging(Sending):
    """A server that says nothing any more."""

    def hangs(self, stage, status=harness.TRY_LATER, says="", tls="starttls", timeout=BRIEF, **how):
        server = self.server(tls, on={stage: HANG}, auth="PLAIN" if how.get("user") else "")
        self.assert_fails(server, status, says, timeout=timeout, **how)
        session = server.session()
        self.assertEqual(session.messages, [])
        if tls == "starttls":
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
        for tls in ("starttls", "implicit"):
            self.hangs("handshake", says="TLS", tls=tls)

    def test_secure_ehlo(self):
        """No answer to EHLO over TLS: 75"""
        self.hangs("secure-ehlo", says="EHLO")

    def test_auth(self):
        """No answer to AUTH: 75"""
        self.hangs("auth", says="AUTH", user="user")

    def test_mail(self):
        """No answer to MAIL: 75"""
        self.hangs("mail", says="MAIL")

    def test_rcpt(self):
        """No answer to RCPT: 75"""
        self.hangs("rcpt", says="RCPT")

    def test_data(self):
        """No answer to DATA: 75"""
        self.hangs("data", says="DATA")

    def test_quit(self):
        """No answer to QUIT is waited for, but not long, and does no harm: 0"""
        server = self.server(on={"quit": HANG})
        before = time.monotonic()
        self.send(server, status=harness.DONE)
        self.assertLess(time.monotonic() - before, harness.DEADLINE / 2)
        self.assertEqual(len(server.session().messages), 1)


class Ending(Sending):
    """A server that ends the connection, orderly or not."""

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

    def test_in_content(self):
        """354, then the end while a large message is under way: 69, it was not handed over"""
        large = self.scratch() / "large.bin"
        with open(large, "wb") as file:
            file.truncate(64 << 20)
        server = self.server("none", keywords=("SIZE",), on={"data": Then("354 go on", RESET)})
        self.assert_fails(server, harness.UNAVAILABLE, "closed|reset|broken pipe", "--attach", large)
        self.assertEqual(server.session().messages, [])


class Refusing(Sending):
    """A server that says no, for now or for good."""

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
        """Says it until the client has enough."""
        session.say(first)
        while True:
            session.say(again)
            session.flush()

    def test_unasked(self):
        """A reply more than there were questions is an error, or is overlooked; never taken for the next one's"""
        server = self.server(on={"secure-ehlo": Then("250 test.example\r\n550 5.0.0 extra")})
        self.send(server, status=None)
        self.assertIn(len(server.session().messages), (0, 1))

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


class Starttls(Sending):
    def test_stripped(self):
        """STARTTLS is not offered: nothing is sent: 77, with the cure"""
        server = self.server("none", auth="PLAIN", auth_in_clear=True)
        self.assert_fails(server, harness.NOT_PERMITTED, "STARTTLS", tls="starttls", user="user")
        self.assert_nothing_in_clear(server.session())

    def test_refused(self):
        """STARTTLS is answered 454, 502, or 250: 75, 69, 76; nothing is sent"""
        for reply, status in (("454 4.7.0 not now", harness.TRY_LATER), ("502 5.5.1 no", harness.UNAVAILABLE),
                              ("250 ok", harness.PROTOCOL)):
            with self.subTest(reply):
                server = self.server(on={"starttls": reply})
                self.assert_fails(server, status, "STARTTLS")
                self.assert_nothing_in_clear(server.session())

    def test_injected(self):
        """Plain text behind the 220, whatever it says, ends it: 76; nothing is sent"""
        for behind in (b"250 ok\r\n", b"x", b"\r\n", b"250-mx\r\n250 AUTH PLAIN\r\n", b"220 again\r\n"):
            with self.subTest(behind):
                server = self.server(on={"starttls": b"220 go ahead\r\n" + behind})
                self.assert_fails(server, harness.PROTOCOL, "STARTTLS|TLS")
                session = server.session()
                self.assertEqual([verb for verb in session.verbs() if verb not in ("EHLO", "STARTTLS", "QUIT")], [])

    def test_no_tls(self):
        """220, then something that is no TLS: 76"""
        for tls in ("starttls", "implicit"):
            server = self.server(tls, on={"handshake": Then(b"550 what is this?\r\n" * 3, CLOSE)})
            self.assert_fails(server, harness.PROTOCOL, "TLS")

    def test_forgotten(self):
        """What was offered before TLS is forgotten"""
        server = self.server(on={"ehlo": "250-test.example\r\n250-STARTTLS\r\n250-SIZE 10\r\n250-CHUNKING\r\n250 AUTH PLAIN"},
                             keywords=("PIPELINING",))
        self.send(server, status=harness.DONE)
        self.assertIn("DATA", server.session().verbs())
        server = self.server(on={"ehlo": "250-test.example\r\n250-STARTTLS\r\n250 AUTH PLAIN"})
        self.assert_fails(server, harness.NOT_PERMITTED, "AUTH|login", user="user")

    def test_wrong_kind(self):
        """Implicit TLS at a port that begins in clear: 76, with the cure"""
        server = self.server("none")
        self.assert_fails(server, harness.PROTOCOL, "TLS", tls="implicit")


class Login(Sending):
    def logs_in(self, *words, auth="PLAIN", status=harness.DONE, says="", on=None, **how):
        server = self.server(auth=auth, on=on, **how)
        if status == harness.DONE:
            self.send(server, *words, status=status, user="user")
        else:
            self.assert_fails(server, status, says, *words, user="user")
        session = server.session()
        if status == harness.DONE:
            self.assertEqual(session.login, "user")
            self.assertEqual(len(session.messages), 1)
        else:
            self.assertNotIn("MAIL", session.verbs())
        self.assert_nothing_in_clear(session)
        return session

    def test_mechanisms(self):
        """PLAIN, LOGIN and CRAM-MD5, each alone and each by name: 0"""
        for name in ("plain", "login", "cram-md5"):
            self.logs_in(auth=name.upper())
            self.logs_in("--auth", name, auth="PLAIN LOGIN CRAM-MD5")

    def test_odd_prompts(self):
        """LOGIN with challenges of any text, also none and no Base64: 0"""
        for prompts in ((b"User Name\0", b"Password\0"), (b"", b""), (b"\xff\xfe", b"Who?" * 50)):
            self.logs_in(auth="LOGIN", login_prompts=prompts)
        self.logs_in(auth="LOGIN", on={"auth-response": "334 who are you"})

    def test_odd_challenge(self):
        """A challenge that is no Base64 where it means something: 76"""
        self.logs_in(auth="CRAM-MD5", on={"auth-response": "334 not!base64"}, status=harness.PROTOCOL, says="Base64|challenge")

    def test_endless_challenges(self):
        """Challenge upon challenge: 76 or 77, not for ever"""
        server = self.server(auth="PLAIN", on={"auth": lambda session, _: self.challenge(session)})
        done = self.send(server, status=None, user="user")
        self.assertIn(done.status, (harness.PROTOCOL, harness.NOT_PERMITTED))

    @staticmethod
    def challenge(session):
        while True:
            session.say(b"334 \r\n")
            if session._line() == b"*":
                return "501 5.7.0 cancelled"

    def test_initial_response(self):
        """An initial response is refused: it is given as an answer: 0"""
        for code in ("500", "501", "504"):
            for name in ("PLAIN", "LOGIN"):
                with self.subTest((code, name)):
                    self.logs_in(auth=name, on={"auth": lambda _, argument, code=code: f"{code} 5.5.4 no" if " " in argument else None})

    def test_wrong_password(self):
        """535: 77; nothing is sent"""
        for name in ("PLAIN", "LOGIN", "CRAM-MD5"):
            self.logs_in(auth=name, credentials=("user", "other"), status=harness.NOT_PERMITTED, says="535")

    def test_not_now(self):
        """454: 75"""
        self.logs_in(on={"auth": "454 4.7.0 not now"}, status=harness.TRY_LATER, says="454")

    def test_not_offered(self):
        """No AUTH, or none that was asked for, is offered: 77; nothing is sent"""
        self.logs_in(auth="", status=harness.NOT_PERMITTED, says="AUTH|login")
        self.logs_in("--auth", "plain", auth="CRAM-MD5", status=harness.NOT_PERMITTED, says="CRAM-MD5|PLAIN")

    def test_in_clear(self):
        """Credentials do not travel without TLS: 77"""
        server = self.server("none", auth="PLAIN LOGIN CRAM-MD5", auth_in_clear=True)
        done = self.send(server, status=None, user="user")
        self.assertIn(done.status, (harness.NOT_PERMITTED, harness.USAGE))
        for session in server.sessions:
            self.assertNotIn("AUTH", session.verbs())

    def test_required(self):
        """530 to MAIL, without a login: 77, with the cure"""
        server = self.server(on={"mail": "530 5.7.0 authentication required"})
        self.assert_fails(server, harness.NOT_PERMITTED, "530.*--user")

    def test_transcript(self):
        """-v shows the dialogue, without the password"""
        for name in ("PLAIN", "LOGIN", "CRAM-MD5"):
            server = self.server(auth=name)
            done = self.send(server, "-v", status=harness.DONE, user="user")
            self.assertRegex(done.err, r"(?m)^C: AUTH " + name)
            self.assertRegex(done.err, r"(?m)^S: 235 ")


class Certificates(Sending):
    def assert_refused(self, certificate, says, trust=None, tls=("starttls", "implicit")):
        for how in tls:
            server = self.server(how, certificate=certificate, auth="PLAIN")
            self.assert_fails(server, harness.NOT_PERMITTED, says, user="user", trust=trust)
            self.assertEqual([verb for verb in server.session().verbs() if verb not in ("EHLO", "STARTTLS")], [])
        server = self.server(certificate=certificate, auth="PLAIN")
        self.send(server, "--insecure", status=harness.DONE, user="user", trust=trust)
        self.assertEqual(len(server.session().messages), 1)

    def test_good(self):
        """A certificate that is right, by name and by address: 0"""
        for tls in ("starttls", "implicit"):
            server = self.server(tls)
            self.send(server, status=harness.DONE)
            self.send(server, "--server", f"127.0.0.1:{server.port}", status=harness.DONE)

    def test_expired(self):
        """Expired: 77, 0 with --insecure"""
        self.assert_refused(self.authority.expired(), "expired")

    def test_not_yet_valid(self):
        """Not yet valid: 77"""
        self.assert_refused(self.authority.not_yet_valid(), "not yet")

    def test_other_host(self):
        """For another host: 77"""
        self.assert_refused(self.authority.other_host(), "localhost")

    def test_common_name(self):
        """With the name as common name alone: 77"""
        self.assert_refused(self.authority.common_name_only(), "localhost")

    def test_self_signed(self):
        """Self-signed: 77"""
        self.assert_refused(self.authority.self_signed(), "self.signed")

    def test_unknown_authority(self):
        """Signed by an authority that is not trusted: 77"""
        self.assert_refused(self.good, "", trust=certificates.Authority(self.scratch(), "Other").file)


class Input(Sending):
    """What is to be sent cannot be."""

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


if shutil.which("openssl") is None:
    harness.main(skip_all="openssl not installed")
harness.main()
