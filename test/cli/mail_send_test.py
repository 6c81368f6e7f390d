# SPDX-License-Identifier: MIT
"""netlab mail send: one message, and its outcome."""

import email
import email.policy
import json
import os
import re
import threading

import certificates
import harness
import smtp_server
from harness import (BAD_DATA, CONFIG, IO, NO_HOST, NO_INPUT, NOT_PERMITTED, PARTLY, PROTOCOL, TRY_LATER, UNAVAILABLE,
                     USAGE)
from smtp_server import CLOSE, HANG, RESET, Each, Then

PASSWORD = {"NETLAB_PASSWORD": "secret"}

harness.skip_all_without("openssl")
AUTHORITY = certificates.Authority(harness._scratch / "authority")
CERTIFICATE = AUTHORITY.server()


class MailCase(harness.Case):
    authority = AUTHORITY
    certificate = CERTIFICATE

    def server(self, tls="none", **how):
        return smtp_server.Server(self, tls=tls, certificate=how.pop("certificate", self.certificate), **how)

    def words(self, server, *words, tls=None, to="b@example.org", trust=True):
        tls = tls or server.tls
        given = ["mail", "send", "--server", f"localhost:{server.port}", "-4", "--tls", tls, "--from", "a@example.org"]
        if to is not None:
            given += ["--to", to]
        if tls != "none" and trust:
            given += ["--ca-file", self.authority.file]
        return [*given, *words]

    def send(self, server, *words, status=0, env=None, body="Hello", **how):
        tail = ["--body", body] if body is not None and "--raw" not in words else []
        given = {key: how.pop(key) for key in ("tls", "to", "trust") if key in how}
        return self.netlab(*self.words(server, *words, *tail, **given), status=status, env=env, **how)

    def not_sent(self, server, *words, status, says="", **how):
        done = self.send(server, *words, status=status, **how)
        self.assert_one_error(done, "netlab mail send", says)
        return done


class Sending(MailCase):
    def test_last_line(self):
        """of a reply of several lines the last one is shown"""
        done = self.send(self.server(on={"content": b"250-one\r\n250-two\r\n250 last\r\n"}))
        self.assertRegex(done.out, "recipient: 250 last\n$")

    def test_raw_not_utf8(self):
        """--raw: a header that is neither ASCII nor UTF-8 is refused, and its line is named"""
        message = b"Subject: x\r\nX-Name: caf\xe9\r\n\r\nx\r\n"
        self.not_sent(self.server(), "--raw", "-", status=BAD_DATA, says="line 2", input=message)

    def test_reader_gone(self):
        """what became of the message is the status, although nobody reads it"""
        reader, writer = os.pipe()
        os.close(reader)
        for answer, status in (("550 5.1.1 nobody", UNAVAILABLE), ("250 ok", 0)):
            server = self.server(on={"rcpt": answer})
            self.send(server, "--json", status=status, stdout=writer)
        os.close(writer)

    def test_says_what_the_server_said(self):
        """a message that was taken is told in a line with the server's last word"""
        server = self.server()
        done = self.send(server)
        self.assertRegex(done.out, r"^sent <[^>]+@example\.org> to 1 recipient: 250 .*\n$")
        self.assertEqual(done.err, "")
        message = server.session().messages[0]
        self.assertEqual((message.sender, message.recipients), ("a@example.org", ["b@example.org"]))

    def test_python_reads_it_back(self):
        """what Python's email package reads is what was sent"""
        server = self.server()
        place = self.scratch()
        attached = place / "Übersicht.bin"
        attached.write_bytes(bytes(range(256)) * 9)
        page = place / "page.html"
        page.write_text("<p>Grüße</p>\n", encoding="utf-8")
        self.send(server, "--subject", "Grüße aus Köln", "--cc", "Jörg <c@example.org>", "--bcc", "unseen@example.org",
                  "--attach", attached, "--html", page, "--header", "X-Odd: yes", body="Grüße\n.dot\nEnd")
        got = server.session().messages[0]
        self.assertEqual(got.recipients, ["b@example.org", "c@example.org", "unseen@example.org"])
        message = email.message_from_bytes(got.octets, policy=email.policy.default)
        self.assertEqual(message["subject"], "Grüße aus Köln")
        self.assertEqual(message["cc"].addresses[0].display_name, "Jörg")
        self.assertEqual(message["x-odd"], "yes")
        self.assertNotIn("unseen@example.org", got.octets.decode("utf-8"))
        self.assertEqual(message.get_body(("plain",)).get_content().splitlines(), ["Grüße", ".dot", "End"])
        self.assertEqual(message.get_body(("html",)).get_content(), "<p>Grüße</p>\r\n")
        part, = message.iter_attachments()
        self.assertEqual(part.get_filename(), "Übersicht.bin")
        self.assertEqual(part.get_content(), bytes(range(256)) * 9)

    def test_stdin_is_the_text(self):
        """the text comes from stdin"""
        server = self.server()
        self.send(server, body=None, input="From\r\nfar\n")
        self.assertIn(b"From\r\nfar\r\n", server.session().messages[0].octets)

    def test_empty_stdin(self):
        """an empty stdin is an empty text, and none beside an attachment"""
        server = self.server()
        self.send(server, body=None)
        self.send(server, "--attach", __file__, body=None)
        self.assertTrue(server.session(0).messages[0].octets.endswith(b"\r\n\r\n"))
        self.assertNotIn(b"text/plain", server.session(1).messages[0].octets)

    def test_raw(self):
        """a ready message goes as it is, without its Bcc"""
        server = self.server()
        file = self.scratch() / "raw"
        file.write_bytes(b"Subject: x\nBcc: z@example.org\nFrom: y@example.org\n\nbody\n.\n")
        self.send(server, "--raw", file)
        self.assertEqual(server.session().messages[0].octets, b"Subject: x\r\nFrom: y@example.org\r\n\r\nbody\r\n.\r\n")

    def test_two_senders(self):
        """the envelope's sender and the header's are two things"""
        server = self.server()
        self.send(server, "--envelope-from", "other@example.net")
        got = server.session().messages[0]
        self.assertEqual(got.sender, "other@example.net")
        self.assertIn(b"From: a@example.org\r\n", got.octets)

    def test_null_sender(self):
        """<> is a sender too"""
        server = self.server()
        self.send(server, "--envelope-from", "<>")
        self.assertIn("MAIL FROM:<>", server.session().commands[1])

    def test_empty_values(self):
        """an empty sender, list or server is refused; <> is the null sender"""
        for words, says in ((["--envelope-from", ""], "<>"), (["--envelope-from", " "], "<>"), (["--from", ""], "empty"),
                            (["--cc", ""], "'' contains no address"), (["--bcc", " , "], "contains no address"),
                            (["--server", ""], "empty")):
            with self.subTest(words=words):
                self.refused("mail", "send", "--to", "b@example.org", "--body", "x", *words, says=says, status=None)

    def test_json(self):
        """--json prints one object"""
        server = self.server(on={"rcpt": Each(None, "550 5.1.1 nobody")})
        done = self.send(server, "--json", to="b@example.org,c@example.org", status=PARTLY)
        said = json.loads(done.out)
        self.assertEqual(said["status"], "partly")
        self.assertEqual(said["recipients"], ["b@example.org", "c@example.org"])
        self.assertEqual(said["refused"][0]["recipient"], "c@example.org")
        self.assertIn("550 5.1.1 nobody", said["refused"][0]["error"])
        self.assertTrue(said["reply"].startswith("250"))

    def test_dry_run(self):
        """--dry-run prints the message, and connects to nobody"""
        done = self.netlab("mail", "send", "--to", "b@example.org", "--from", "a@example.org", "--subject", "S",
                           "--body", "text", "--dry-run")
        self.assertIn("Subject: S\r\n", done.out)
        self.assertIn("envelope: from <a@example.org> to <b@example.org>", done.err)

    def test_dsn(self):
        """--dsn asks for notifications"""
        server = self.server()
        self.send(server, "--dsn", "success,failure")
        commands = server.session().commands
        self.assertIn("RET=HDRS", commands[1])
        self.assertIn("NOTIFY=SUCCESS,FAILURE", commands[2])

    def test_password_from_windows(self):
        """a password file with a byte order mark and CRLF"""
        server = self.server("starttls", auth="PLAIN")
        file = self.scratch() / "password"
        file.write_bytes(b"\xef\xbb\xbfsecret\r\n")
        file.chmod(0o600)
        self.send(server, "--user", "user", "--password-file", file)
        self.assertEqual(server.session().login, "user")

    def test_attached_texts(self):
        """a text's charset is named where it is known; a name that looks like an encoded word is no such thing"""
        server = self.server()
        place = self.scratch()
        names = {"utf.csv": ("Grüße;1\n".encode(), "utf-8"), "ascii.txt": (b"plain\n", "us-ascii"),
                 "latin.txt": ("Grüße\n".encode("latin-1"), None), "=?utf-8?Q?a?=.html": ("<p>ü".encode(), "utf-8"),
                 "data.bin": ("ü".encode(), None)}
        words = []
        for name, (octets, _) in names.items():
            (place / name).write_bytes(octets)
            words += ["--attach", place / name]
        self.send(server, *words)
        message = email.message_from_bytes(server.session().messages[0].octets, policy=email.policy.default)
        for part, (name, (octets, charset)) in zip(message.iter_attachments(), names.items(), strict=True):
            self.assertEqual(part.get_filename(), name)
            self.assertEqual(part.get_content_charset(), charset)
            self.assertEqual(part.get_payload(decode=True), octets)

    def test_binarymime(self):
        """BINARYMIME with CHUNKING: an attachment is sent as it is; without CHUNKING in Base64"""
        place = self.scratch() / "all.bin"
        place.write_bytes(bytes(range(256)) * 300 + b"\r\n.\r\n")
        for keywords, body in ((("BINARYMIME", "CHUNKING"), " BODY=BINARYMIME"), (("BINARYMIME",), "")):
            with self.subTest(keywords=keywords):
                server = self.server(keywords=(*smtp_server.KEYWORDS, *keywords))
                self.send(server, "--attach", place, body="Grüße")
                session = server.session()
                self.assertEqual(re.sub("^.*>( SIZE=[0-9]+)?", "", session.commands[1]), body or " BODY=8BITMIME")
                message = email.message_from_bytes(session.messages[0].octets, policy=email.policy.default)
                part, = message.iter_attachments()
                self.assertEqual(part["content-transfer-encoding"], "binary" if body else "base64")
                if body:  # Python's parser splits lines, so search the octets
                    self.assertIn(b"\r\n\r\n" + place.read_bytes() + b"\r\n--", session.messages[0].octets)
                else:
                    self.assertEqual(part.get_content(), place.read_bytes())

    def test_long_fields(self):
        """a long word of a structured field stays as it is; one that no line has room for is refused"""
        server = self.server()
        url = f"<https://example.org/{'x' * 600}>"
        self.send(server, "--header", f"List-Unsubscribe: {url}", "--header", f"References: <{'a' * 500}@b> <c@d>")
        octets = server.session().messages[0].octets
        self.assertIn(f"List-Unsubscribe: {url}\r\n".encode(), octets)
        self.assertIn(f"References: <{'a' * 500}@b>\r\n <c@d>\r\n".encode(), octets)
        self.not_sent(server, "--header", f"In-Reply-To: <{'a' * 1000}@b>", status=BAD_DATA, says="In-Reply-To")
        self.not_sent(server, "--header", "List-Help: <https://example.org/é>", status=BAD_DATA, says="outside ASCII")
        self.assertEqual(len(server.sessions), 1)

    def test_configuration_alone(self):
        """a sender, a server and a password from the configuration file are enough"""
        server = self.server("starttls", auth="PLAIN")
        place = self.scratch()
        (place / "password").write_text("secret\n", encoding="ascii")
        (place / "password").chmod(0o600)
        (place / "config").write_text(
            f"[mail send]\nserver = localhost:{server.port}\nfrom = me@example.org\nuser = user\n"
            f"ca-file = {self.authority.file}\npassword-file = {place}/password\nipv4 = yes\n", encoding="ascii")
        self.netlab("mail", "send", "--to", "b@example.org", input="hi", env={"NETLAB_CONFIG": place / "config"})
        self.assertEqual(server.session().login, "user")

    def test_safety_is_given_up_by_name_only(self):
        """--tls none and --insecure do not count from a file or the environment"""
        for variable, value in (("NETLAB_MAIL_SEND_TLS", "none"), ("NETLAB_MAIL_SEND_INSECURE", "yes")):
            self.refused("mail", "send", "--to", "b@example.org", "--body", "x", env={variable: value}, status=CONFIG,
                         says="only on the command line")


class Refusals(MailCase):
    def test_one_of_two(self):
        """one recipient refused of two: the other gets it, exit 1"""
        server = self.server(on={"rcpt": Each("550 5.1.1 nobody", None)})
        done = self.send(server, to="b@example.org, c@example.org", status=PARTLY)
        self.assertIn("to 1 recipient:", done.out)
        self.assertEqual(done.err, "netlab mail send: RCPT TO:<b@example.org>: 550 5.1.1 nobody\n")
        self.assertEqual(server.session().messages[0].recipients, ["c@example.org"])

    def test_one_of_two_for_now(self):
        """451 for one recipient: the same"""
        server = self.server(on={"rcpt": Each("451 4.2.1 later", None)})
        self.send(server, to="b@example.org, c@example.org", status=PARTLY)

    def test_all_or_nothing(self):
        """--all-or-nothing sends to none"""
        server = self.server(on={"rcpt": Each(None, "550 5.1.1 nobody")})
        done = self.send(server, "--all-or-nothing", to="b@example.org, c@example.org", status=UNAVAILABLE)
        self.assertEqual(done.out, "")
        self.assertIn("sent to none", done.err)
        self.assertEqual(server.session().messages, [])

    def test_every_one(self):
        """every recipient refused: each is named; for now if one is"""
        server = self.server(on={"rcpt": Each("550 no", "450 later")})
        done = self.send(server, to="b@example.org, c@example.org", status=TRY_LATER)
        self.assertEqual(len(done.error_lines), 3)
        self.assertEqual(server.session().messages, [])

    def test_stages(self):
        """a refusal at any stage has the status of its class"""
        for stage, reply, status in (
                ("connect", "554 5.7.1 go away", UNAVAILABLE), ("connect", "421 4.3.2 later", TRY_LATER),
                ("mail", "550 5.7.1 not you", UNAVAILABLE), ("mail", "451 4.3.0 later", TRY_LATER),
                ("mail", "530 5.7.0 log in", NOT_PERMITTED), ("rcpt", "550 5.1.1 no", UNAVAILABLE),
                ("data", "554 5.5.1 no", UNAVAILABLE), ("content", "451 4.3.0 later", TRY_LATER),
                ("content", "554 5.7.1 spam", UNAVAILABLE), ("content", "552 5.3.4 full", UNAVAILABLE)):
            with self.subTest(stage=stage, reply=reply):
                server = self.server(on={stage: reply})
                self.not_sent(server, status=status, says=reply)

    def test_421_anywhere(self):
        """421 at any stage: later"""
        for stage in ("connect", "ehlo", "mail", "rcpt", "data", "content"):
            for keywords in (smtp_server.KEYWORDS, ("8BITMIME",), (*smtp_server.KEYWORDS, "CHUNKING")):
                with self.subTest(stage=stage, keywords=keywords):
                    server = self.server(on={stage: Then("421 4.3.2 closing", CLOSE),
                                             "bdat": Then("421 4.3.2 closing", CLOSE) if stage == "content" else None},
                                         keywords=keywords)
                    if stage == "data" and "CHUNKING" in keywords:
                        continue
                    self.not_sent(server, status=TRY_LATER, says="421 4.3.2 closing")

    def test_too_big(self):
        """a message above SIZE is refused before it is sent"""
        server = self.server(keywords=("PIPELINING", "SIZE 500"))
        self.not_sent(server, status=UNAVAILABLE, says="500", body="x" * 1000)
        self.assertNotIn("MAIL", server.session().verbs())

    def test_nobody_there(self):
        """a closed port, and a host that does not exist"""
        self.refused("mail", "send", "--server", f"127.0.0.1:{self.closed_port()}", "--to", "b@example.org", "--body", "x",
                     status=UNAVAILABLE, says="connection refused")
        self.refused("mail", "send", "--server", "nowhere.invalid:25", "--to", "b@example.org", "--body", "x",
                     status=NO_HOST)


class BadServers(MailCase):
    def test_hangs(self):
        """a server that hangs is left at the deadline of the stage"""
        for stage in ("connect", "ehlo", "mail", "rcpt", "data"):
            with self.subTest(stage=stage):
                self.not_sent(self.server(on={stage: HANG}), "--timeout", "0.3", status=TRY_LATER)
        with self.subTest(stage="handshake"):
            for tls in ("starttls", "implicit"):
                self.not_sent(self.server(tls, on={"handshake": HANG}), "--timeout", "0.3", status=TRY_LATER)
        with self.subTest(stage="content"):
            self.not_sent(self.server(on={"content": HANG}), "--timeout", "0.1", status=IO, says="handed over")
        with self.subTest(stage="the whole"):
            self.not_sent(self.server(on={"mail": HANG}), "--max-time", "0.3", status=TRY_LATER, says="not done within")

    def test_farewell(self):
        """a server that does not say farewell delays nothing much, and nothing fails"""
        for end in (HANG, CLOSE, RESET):
            self.send(self.server(on={"quit": end}))

    def test_ends(self):
        """a connection that ends: unknown behind the final dot, else unavailable"""
        for stage in ("connect", "ehlo", "mail", "rcpt", "data"):
            for end in (CLOSE, RESET):
                with self.subTest(stage=stage, end="close" if end is CLOSE else "reset"):
                    self.not_sent(self.server(on={stage: end}), status=UNAVAILABLE)
        for end in (CLOSE, RESET):
            self.not_sent(self.server(on={"content": end}), status=IO, says="may have been delivered")
        self.not_sent(self.server(on={"data": Then("354 go on", CLOSE)}), status=IO, says="may have been delivered")

    def test_replies_in_octets(self):
        """replies that come octet by octet are replies"""
        for tls in ("none", "starttls"):
            server = self.server(tls, splits=True, auth="PLAIN" if tls != "none" else "")
            self.send(server)

    def test_endless(self):
        """lines and replies without end are cut off"""
        self.not_sent(self.server(on={"connect": b"220 " + b"x" * 1_000_000}), status=PROTOCOL, says="8192")
        self.not_sent(self.server(on={"ehlo": b"250-PIPELINING\r\n" * 70_000}), status=PROTOCOL, says="65536")

    def test_garbage(self):
        """what is no reply is told as such"""
        for octets in (b"SSH-2.0-OpenSSH_9.2\r\n", b"999 what\r\n", b"\x16\x03\x01\x02\r\n", b"HTTP/1.1 400 Bad\r\n"):
            self.not_sent(self.server(on={"connect": octets}), status=PROTOCOL, says="is not an SMTP reply")

    def test_hello_only(self):
        """a server that knows no EHLO is greeted with HELO"""
        server = self.server(on={"ehlo": "502 5.5.1 what?"})
        self.send(server)
        self.assertIn("HELO", server.session().verbs())

    def test_escaped(self):
        """what a server says is escaped before it is shown"""
        done = self.not_sent(self.server(on={"mail": "550 \x1b[31mred"}), status=UNAVAILABLE)
        self.assertIn("\\x1b[31mred", done.err)


class Tls(MailCase):
    def test_both_ways(self):
        """by STARTTLS and from the start, with every mechanism"""
        for tls in ("starttls", "implicit"):
            for auth in ("plain", "login", "cram-md5", "auto"):
                with self.subTest(tls=tls, auth=auth):
                    offered = "PLAIN LOGIN CRAM-MD5"
                    server = self.server(tls, auth=offered)
                    self.send(server, "--user", "user", "--auth", auth, env=PASSWORD)
                    session = server.session()
                    self.assertEqual(session.login, "user")
                    self.assertNotIn(b"MAIL", session.plain)
                    self.assertNotIn(b"AUTH", session.plain)

    def test_bad_certificates(self):
        """a certificate that is not right ends it before anything is said"""
        other = certificates.Authority(self.scratch() / "other", name="Other Authority")
        for name, certificate, says in (
                ("expired", self.authority.expired(), "expired on"),
                ("not yet valid", self.authority.not_yet_valid(), "not yet valid"),
                ("another host", self.authority.other_host(), "other.example, not for localhost"),
                ("common name only", self.authority.common_name_only(), "common name"),
                ("self-signed", self.authority.self_signed(), "self-signed"),
                ("unknown authority", other.server(), "--ca-file")):
            for tls in ("starttls", "implicit"):
                with self.subTest(name=name, tls=tls):
                    server = self.server(tls, certificate=certificate, auth="PLAIN")
                    self.not_sent(server, "--user", "user", env=PASSWORD, status=NOT_PERMITTED, says=says)
                    self.assertNotIn(b"MAIL", server.session().wire)

    def test_insecure(self):
        """--insecure sends, and says what is wrong"""
        server = self.server("starttls", certificate=self.authority.expired())
        done = self.send(server, "--insecure")
        self.assertIn("expired on", done.err)

    def test_stripped(self):
        """no STARTTLS, no mail"""
        for name, how, status in (
                ("not offered", {"keywords": ("PIPELINING",), "tls": "none"}, NOT_PERMITTED),
                ("454", {"tls": "starttls", "on": {"starttls": "454 4.7.0 no TLS now"}}, TRY_LATER),
                ("502", {"tls": "starttls", "on": {"starttls": "502 5.5.1 no"}}, UNAVAILABLE),
                ("garbage", {"tls": "starttls", "on": {"starttls": "220-\x00\xff\r\nwhat"}}, PROTOCOL)):
            with self.subTest(name=name):
                server = self.server(**how)
                self.not_sent(server, tls="starttls", status=status)
                self.assertNotIn(b"MAIL", server.session().wire)

    def test_injected(self):
        """octets behind the 220 to STARTTLS end it"""
        server = self.server("starttls", on={"starttls": b"220 go ahead\r\n250 injected\r\n"})
        self.not_sent(server, status=PROTOCOL, says="STARTTLS")

    def test_no_tls_there(self):
        """implicit TLS with a server that speaks plainly"""
        self.not_sent(self.server(), tls="implicit", status=PROTOCOL, says="does not speak TLS")

    def test_silence_on_the_tls_port(self):
        """a TLS server that waits for the client is told by the hint"""
        self.not_sent(self.server("implicit"), "--timeout", "0.3", tls="starttls", status=TRY_LATER, says="implicit")


class Login(MailCase):
    def test_refused(self):
        """a login refused is 77, one refused for now 75"""
        server = self.server("starttls", auth="PLAIN")
        self.not_sent(server, "--user", "user", env={"NETLAB_PASSWORD": "wrong"}, status=NOT_PERMITTED, says="535")
        server = self.server("starttls", auth="PLAIN", on={"auth": "454 4.7.0 later"})
        self.not_sent(server, "--user", "user", env=PASSWORD, status=TRY_LATER, says="454")
        self.assertNotIn(b"MAIL", server.session().wire)

    def test_not_offered(self):
        """a login asked for and not offered is an error, and nothing is sent"""
        server = self.server("starttls")
        self.not_sent(server, "--user", "user", env=PASSWORD, status=NOT_PERMITTED, says="AUTH")
        self.assertNotIn(b"MAIL", server.session().wire)

    def test_not_in_clear(self):
        """credentials never travel in clear"""
        server = self.server(auth="PLAIN", auth_in_clear=True)
        self.not_sent(server, "--user", "user", env=PASSWORD, status=USAGE, says="unencrypted")
        self.assertEqual(server.sessions, [])

    def test_no_initial_response(self):
        """a server that refuses the initial response is asked without"""
        server = self.server("starttls", auth="PLAIN", on={"auth": Each("501 5.5.4 syntax", None)})
        self.send(server, "--user", "user", env=PASSWORD)
        self.assertEqual(server.session().login, "user")

    def test_odd_prompts(self):
        """LOGIN answers any prompts"""
        server = self.server("starttls", auth="LOGIN", login_prompts=(b"Who?", b"\xff\x00"))
        self.send(server, "--user", "user", env=PASSWORD)
        self.assertEqual(server.session().login, "user")

    def test_password_sources(self):
        """a password from a file, a command, the environment"""
        place = self.scratch() / "password"
        place.write_bytes(b"secret\r\nsecond line\n")
        place.chmod(0o600)
        for words, env in ((["--password-file", place], None), (["--password-command", "printf 'secret\\nmore'"], None),
                           ([], PASSWORD), (["--password-command", "echo secret"], {"NETLAB_PASSWORD": "wrong"})):
            with self.subTest(words=words):
                server = self.server("starttls", auth="PLAIN")
                self.send(server, "--user", "user", *words, env=env)
                self.assertEqual(server.session().login, "user")

    def test_bad_password_sources(self):
        """a password that cannot be had is told before anything is sent"""
        server = self.server("starttls", auth="PLAIN")
        for words, status, says in ((["--password-file", "/nonexistent/x"], NO_INPUT, "no such file"),
                                    (["--password-command", "exit 3"], NOT_PERMITTED, "exited with status 3"),
                                    (["--password-command", "true"], BAD_DATA, "no password"),
                                    (["--password-file", "x", "--password-command", "y"], USAGE, "exclude")):
            with self.subTest(words=words):
                self.not_sent(server, "--user", "user", *words, status=status, says=says)
        self.assertEqual(server.sessions, [])

    def test_typed_on_the_terminal(self):
        """a person without a body is told to type it, and asked for the password before, not in the middle of it"""
        server = self.server()
        status, seen = self.on_terminal(*self.words(server), typed=b"Hello\n\x04", after=b"text, end with Ctrl-D:")
        self.assertEqual(status, 0, seen)
        self.assertIn(b"\r\nHello\r\n", server.session().messages[0].octets)
        server = self.server("starttls", auth="PLAIN")
        status, seen = self.on_terminal(*self.words(server, "--user", "user"), typed=(b"secret\n", b"Hello\n\x04"),
                                        after=(b"Password of user at localhost: ", b"text, end with Ctrl-D:"))
        self.assertEqual(status, 0, seen)
        self.assertEqual(server.session().login, "user")
        self.assertNotIn(b"secret", server.session().messages[0].octets)
        # Without a terminal, no hint is shown.
        self.assertNotIn("Ctrl-D", self.send(self.server(), body=None, input="Hello\n").err)

    def test_asked_on_the_terminal(self):
        """a person is asked, and the password is not shown"""
        server = self.server("starttls", auth="PLAIN")
        status, seen = self.on_terminal(*self.words(server, "--user", "user", "--body", "x"), typed=b"secret\n",
                                        after=b"Password of user at localhost: ")
        self.assertEqual(status, 0, seen)
        self.assertNotIn("secret", seen)
        self.assertEqual(server.session().login, "user")

    def test_masked(self):
        """no secret is in what -v shows"""
        for auth in ("plain", "login", "cram-md5"):
            server = self.server("starttls", auth="PLAIN LOGIN CRAM-MD5")
            done = self.send(server, "--user", "user", "-v", "--auth", auth, env=PASSWORD)
            for shown in ("secret", "c2VjcmV0", "AHVzZXIAc2VjcmV0"):
                self.assertNotIn(shown, done.err)
            self.assertIn("***", done.err)
            self.assertIn("S: 235", done.err)

    def test_token(self):
        """XOAUTH2 with a token from a command"""
        server = self.server("starttls", auth="XOAUTH2")
        done = self.send(server, "--user", "user", "--auth", "xoauth2", "--password-command", "echo secret", "-v",
                         status=None)
        self.assertNotIn("secret", done.err.replace("echo secret", ""))
        self.assertIn("XOAUTH2", server.session().commands[3])


class BadInput(MailCase):
    def test_line_ends(self):
        """CR, LF and NUL are refused in addresses, headers and names, before anything is sent"""
        server = self.server()
        for words in (["--to", "b@example.org\nRCPT TO:<x@y.z>"], ["--from", "a@example.org\r\nx"],
                      ["--envelope-from", "a\n@example.org"], ["--subject", "x\nBcc: y@z.org"],
                      ["--header", "X-A: b\nBcc: c@example.org"], ["--header", "X\n-A: b"], ["--helo", "x\nMAIL"],
                      ["--cc", "b\r@example.org"]):
            with self.subTest(words=words):
                done = self.send(server, *words, status=None)
                self.assertIn(done.status, (USAGE, BAD_DATA), done.err)
                self.assertEqual(len(done.error_lines), 1, done.err)
        for session in server.sessions:
            self.assertNotIn("MAIL", session.verbs())

    def test_missing_files(self):
        """files that are not there"""
        server = self.server()
        for words in (["--attach", "/nonexistent/x"], ["--html", "/nonexistent/x"], ["--raw", "/nonexistent/x"]):
            self.not_sent(server, *words, status=NO_INPUT, says="nonexistent")
        self.not_sent(server, "--body-file", "/nonexistent/x", body=None, status=NO_INPUT)
        self.not_sent(server, "--batch", "/nonexistent/x", body=None, status=NO_INPUT)
        self.assertEqual(server.sessions, [])

    def test_no_recipient(self):
        """somebody has to get it"""
        self.refused("mail", "send", "--body", "x", says="--to")

    def test_rewritten(self):
        """an attachment or ready message that is rewritten in place, as long as before, is never sent as a mixture"""
        place = self.scratch() / "rewritten"
        for stage in ("data", "bdat"):
            for word, content in (("--attach", b"x" * 3_000_000), ("--raw", b"Subject: x\n\n" + (b"x" * 76 + b"\n") * 39_000)):
                with self.subTest(stage=stage, word=word):
                    place.write_bytes(content)

                    def rewrite(session, argument, after=content.replace(b"x", b"y")):
                        with open(place, "r+b") as file:
                            file.write(after)
                    keywords = (*smtp_server.KEYWORDS, "CHUNKING") if stage == "bdat" else smtp_server.KEYWORDS
                    # BDAT's content follows its command at once, so there the file is rewritten earlier.
                    server = self.server(on={"rcpt" if stage == "bdat" else "data": rewrite}, keywords=keywords)
                    self.not_sent(server, word, place, status=IO, says="it changed")
                    self.assertEqual(server.session().messages, [])

    def test_body_rewritten(self):
        """a body that is rewritten again and again while it is read is sent whole, or refused"""
        place = self.scratch() / "body"
        place.write_text("a" * 8_000_000, encoding="ascii")
        done = threading.Event()

        def rewrite():
            with open(place, "r+b") as file:
                while not done.is_set():
                    for letter in (b"b", b"a"):
                        for _ in range(8):
                            file.write(letter * 1_000_000)
                        file.seek(0)
        writer = threading.Thread(target=rewrite)
        writer.start()
        try:
            said = self.netlab("mail", "send", "--to", "b@example.org", "--from", "a@example.org", "--body-file", place,
                               "--dry-run", status=None)
        finally:
            done.set()
            writer.join()
        if said.status == 0:
            self.assertEqual(len(set(said.out.partition("\r\n\r\n")[2].replace("=\r\n", "").strip())), 1)
        else:
            self.assertEqual(said.status, IO, said.err)
            self.assert_one_error(said, "netlab mail send", "it changed while it was read")

    def test_shrinks(self):
        """an attachment that shrinks while it is read is never sent as if it were whole"""
        place = self.scratch() / "shrinks"
        place.write_bytes(b"x" * 3_000_000)

        def shrink(session, argument):
            os.truncate(place, 1000)

        server = self.server(on={"data": shrink})
        self.not_sent(server, "--attach", place, status=IO, says="it changed")
        self.assertEqual(server.session().messages, [])


if __name__ == "__main__":
    harness.main()
