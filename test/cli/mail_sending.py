# SPDX-License-Identifier: MIT
"""The common part of the tests of mail against our own test servers."""

import base64
import re
import shutil

import certificates
import harness
import smtp_server


BRIEF = "2s"      # for a server that will not answer
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

    @classmethod
    def words(cls, server, to=TWO[:1], timeout=PATIENT, tls=None, body="hello", user=None, trust=None):
        given = ["mail", "send", "--server", f"localhost:{server.port}", "-4", "--from", "a@example.org", "--timeout", timeout]
        given += ["--tls", tls or server.tls]
        for each in to:
            given += ["--to", each]
        if (tls or server.tls) != "none":
            given += ["--ca-file", trust or cls.authority.file]
        if user:
            given += ["--user", user]
        if body is not None:
            given += ["--body", body]
        return given

    def send(self, server, *words, status, input=b"", **how):
        done = self.netlab(*self.words(server, **how), *words, status=status, env={"NETLAB_PASSWORD": PASSWORD}, input=input)
        self.assert_keeps_secrets(done)
        return done

    def assert_keeps_secrets(self, done):
        both = done.out + done.err
        for spelled in (PASSWORD, base64.b64encode(PASSWORD.encode()).decode(),
                        base64.b64encode(f"\0user\0{PASSWORD}".encode()).decode()):
            self.assertNotIn(spelled, both)
        self.assertNotRegex(both, r"[\x00-\x08\x0b-\x1f\x7f]")

    def assert_fails(self, server, status, says, *words, **how):
        """Fails with one line about the reason."""
        done = self.send(server, *words, status=status, **how)
        self.assert_one_line(done, says)
        return done

    def assert_one_line(self, done, says):
        self.assertEqual(done.out, "")
        self.assertEqual(len(done.error_lines), 1, done.err)
        self.assertRegex(done.err, r"^netlab mail send: ")
        self.assertRegex(done.err, f"(?i){says}")

    def assert_nothing_in_clear(self, session):
        self.assertTrue(set(re.findall(rb"(?m)^[A-Za-z]{4,}", session.plain)) <= {b"EHLO", b"STARTTLS", b"QUIT"}, session.plain)


def main():
    harness.skip_all_without("openssl")
    harness.main()
