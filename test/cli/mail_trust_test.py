# SPDX-License-Identifier: MIT
"""Attacks on `netlab mail send`: it never sends mail or passwords without TLS, accepts no invalid certificate, and
continues no session without the requested login."""

import base64

import certificates
import harness
from mail_sending import PASSWORD, Sending, main
from smtp_server import CLOSE, Then


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

    def test_repeated_password(self):
        """A server that says again what it heard: it is masked, in the error and in the dialogue"""
        heard = base64.b64encode(f"\0user\0{PASSWORD}".encode()).decode()
        server = self.server(auth="PLAIN", on={"auth": f"535 5.7.8 no such login: {PASSWORD} ({heard})"})
        done = self.send(server, "-v", status=harness.NOT_PERMITTED, user="user")
        self.assertIn("S: 535 5.7.8 no such login: *** (***)\n", done.err)
        self.assertRegex(done.err.splitlines()[-1], r"no such login: \*\*\* \(\*\*\*\)$")

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

    def test_address_as_name(self):
        """For an address, with it as a DNS name alone: 77, and said so"""
        certificate = self.authority.server(names=("DNS:127.0.0.1",))
        server = self.server("starttls", certificate=certificate)
        done = self.netlab("mail", "send", "--server", f"127.0.0.1:{server.port}", "--to", "b@example.org", "--from",
                           "a@example.org", "--body", "x", "--ca-file", self.authority.file, status=harness.NOT_PERMITTED)
        self.assert_one_line(done, "has 127.0.0.1 as a DNS name, which does not count for an address")

    def test_self_signed(self):
        """Self-signed: 77"""
        self.assert_refused(self.authority.self_signed(), "self.signed")

    def test_unknown_authority(self):
        """Signed by an authority that is not trusted: 77"""
        self.assert_refused(self.good, "", trust=certificates.Authority(self.scratch(), "Other").file)


main()
