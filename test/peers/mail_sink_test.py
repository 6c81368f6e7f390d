# SPDX-License-Identifier: MIT
"""Common mail clients that deliver to netlab mail sink, and other programs that read its Maildir."""

import mailbox
import os
import pty
import re
import select
import shutil
import smtplib
import subprocess
import termios
import time
import unittest
import uuid

import harness
from mail_sinking import PASSWORD, Sinking


def needs(program):
    return unittest.skipUnless(shutil.which(program), f"{program} not installed")


def message(marker):
    return f"From: a@example.org\r\nTo: b@example.org\r\nSubject: from outside\r\n\r\n{marker}\r\n.dotted\r\n"


class Clients(Sinking):
    def setUp(self):
        super().setUp()
        self.server = self.sink("--user", "ann", "--require-auth", "--require-tls")
        self.marker = uuid.uuid4().hex

    def port(self, tls):
        return self.server.port if tls == "starttls" else self.server.tls_port

    def run_client(self, *argv, input=b"", env=None):
        done = harness.run([*map(str, argv)], input=input, env=harness.environment(env))
        self.assertEqual(done.status, 0, f"{argv}\n{done.out}{done.err}\n{self.server.err}")
        return done

    def assert_arrived(self, marker=None, times=1):
        found = [each for each in self.messages(self.server) if (marker or self.marker) in each.as_string()]
        self.assertEqual(len(found), times, self.server.err)
        for each in found:
            self.assertEqual(each["Return-Path"], "<a@example.org>")
            self.assertRegex(each["Received"], "with (ESMTP|UTF8SMTP)SA")  # msmtp 1.8.28 always asks for SMTPUTF8
        return found

    @needs("swaks")
    def test_swaks(self):
        """swaks: both kinds of TLS, each mechanism that it knows"""
        expected = 0
        for tls in ("starttls", "implicit"):
            for mechanism in ("PLAIN", "LOGIN", "CRAM-MD5"):
                words = ["--tls", "--tls-verify", "--tls-ca-path", self.server.ca] if tls == "starttls" else [
                    "--tls-on-connect", "--tls-verify", "--tls-ca-path", self.server.ca]
                done = harness.run(["swaks", "--server", "localhost", "--port", str(self.port(tls)), *map(str, words), "--auth", mechanism,
                                    "--auth-user", "ann", "--auth-password", PASSWORD, "--from", "a@example.org", "--to",
                                    "b@example.org", "--body", self.marker, "--helo", "client.example"])
                if "not available" in done.out + done.err or "unable to" in done.err.lower():
                    self.skipTest(f"swaks lacks a module: {done.err.strip()}")
                self.assertEqual(done.status, 0, done.out + done.err)
                expected += 1
        self.assert_arrived(times=expected)

    @needs("curl")
    def test_curl(self):
        """curl: smtp:// with STARTTLS and smtps://, each mechanism that it knows"""
        file = self.scratch() / "message"
        file.write_text(message(self.marker), newline="")
        expected = 0
        for tls in ("starttls", "implicit"):
            scheme = "smtp" if tls == "starttls" else "smtps"
            for mechanism in ("PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256"):
                done = harness.run(["curl", "-sS", "--ssl-reqd", "--cacert", str(self.server.ca), f"{scheme}://localhost:{self.port(tls)}/client.example",
                                    "--user", f"ann:{PASSWORD}", "--login-options", f"AUTH={mechanism}", "--mail-from",
                                    "a@example.org", "--mail-rcpt", "b@example.org", "--upload-file", str(file)])
                if mechanism == "SCRAM-SHA-256" and done.status == 67:
                    continue  # a curl that was built without GNU SASL
                self.assertEqual(done.status, 0, f"{mechanism}: {done.err}\n{self.server.err}")
                expected += 1
        self.assertGreaterEqual(expected, 6)
        for each in self.assert_arrived(times=expected):
            self.assertIn("\n.dotted\n", each.get_payload())

    @needs("msmtp")
    def test_msmtp(self):
        """msmtp: both kinds of TLS, each mechanism that it knows"""
        known = subprocess.run(["msmtp", "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
        # An msmtp with channel binding also sets it for SCRAM-SHA-256. GNU SASL 2.2.2 then refuses its own first
        # message (scram/validate.c: it names a binding, but the flag is `y`) and sends nothing, whatever the server is.
        scram = [name for name in ("scram-sha-256-plus", "scram-sha-256") if name in known.split()][:1]
        mechanisms = ("plain", "login", "cram-md5", *scram)
        expected = 0
        for tls in ("starttls", "implicit"):
            for mechanism in mechanisms:
                self.run_client("msmtp", "--host=localhost", f"--port={self.port(tls)}", "--tls=on",
                                f"--tls-starttls={'on' if tls == 'starttls' else 'off'}", f"--tls-trust-file={self.server.ca}",
                                f"--auth={mechanism}", "--user=ann", f"--passwordeval=echo {PASSWORD}", "--from=a@example.org",
                                "--domain=client.example", "b@example.org", input=message(self.marker).replace("\r\n", "\n"))
                expected += 1
        self.assert_arrived(times=expected)

    def test_smtplib(self):
        """Python's smtplib: both kinds of TLS"""
        for tls in ("starttls", "implicit"):
            peer = self.client(self.server, tls)
            peer.login("ann", PASSWORD)
            peer.sendmail("a@example.org", "b@example.org", message(self.marker))
            peer.quit()
        self.assert_arrived(times=2)

    def test_smtplib_utf8(self):
        """Python's smtplib asks for SMTPUTF8 where an address needs it"""
        peer = self.client(self.server)
        peer.login("ann", PASSWORD)
        peer.sendmail("a@example.org", ["jörg@bücher.example"], message(self.marker), mail_options=["SMTPUTF8", "BODY=8BITMIME"])
        octets = next((self.server.box / "new").iterdir()).read_bytes()
        self.assertIn("Delivered-To: jörg@".encode(), octets)
        self.assertRegex(octets, b"with UTF8SMTPSA")

    @needs("openssl")
    def test_s_client(self):
        """openssl s_client, with login by hand as the lab's sheet has it"""
        for tls in ("starttls", "implicit"):
            words = ["openssl", "s_client", "-quiet", "-verify_return_error", "-CAfile", str(self.server.ca), "-crlf", "-connect",
                     f"localhost:{self.port(tls)}", "-servername", "localhost", *(["-starttls", "smtp"] if tls == "starttls" else [])]
            peer = self.background(*words, stdin=subprocess.PIPE)
            seen = 0
            for line, answer in ((None, r"(?m)^2[25]0 "), ("EHLO client.example", r"(?m)^250 "), ("AUTH LOGIN", r"334 VXNlcm5hbWU6"),
                                 ("YW5u", r"334 UGFzc3dvcmQ6"), ("c2VjcmV0", r"(?m)^235 "), ("MAIL FROM:<a@example.org>", r"(?m)^250 2\.1\.0"),
                                 ("rcpt to:<b@example.org>", r"(?m)^250 2\.1\.5"), ("DATA", r"(?m)^354 "),
                                 (f"Subject: by hand\n\n{self.marker}\n.", r"(?m)^250 2\.0\.0"), ("quit", r"(?m)^221 ")):
                if line is not None:
                    peer.child.stdin.write(line.encode() + b"\n")
                    peer.child.stdin.flush()
                # With -starttls, it shows the answer to its own EHLO on stderr.
                peer.until(lambda out, err: re.search(answer, out[seen:] if line else out + err), f"{answer} after {line}")
                seen = len(peer.out)
        self.assert_arrived(times=2)


class Readers(Sinking):
    def setUp(self):
        self.server = self.sink()
        peer = smtplib.SMTP("localhost", self.server.port, timeout=harness.DEADLINE)
        self.addCleanup(peer.close)
        self.markers = [uuid.uuid4().hex for _ in range(5)]
        for marker in self.markers:
            peer.sendmail("a@example.org", "b@example.org", message(marker))

    def test_python(self):
        """Python's mailbox reads every message, and moves it as a Maildir's reader does"""
        box = mailbox.Maildir(self.server.box, create=False)
        texts = [each.as_string() for each in box]
        for marker in self.markers:
            self.assertEqual(sum(marker in text for text in texts), 1)
        for key in box.keys():
            each = box[key]
            each.set_subdir("cur")
            each.add_flag("S")
            box[key] = each
        self.assertEqual((len(os.listdir(self.server.box / "cur")), os.listdir(self.server.box / "new")), (5, []))

    @needs("mutt")
    def test_mutt(self):
        """mutt finds the messages, and prints them"""
        place = self.scratch()
        script = place / "muttrc"
        script.write_text(f"set folder={place}\nset mail_check=0\nset confirmappend=no\nset delete=no\nset quit=yes\n"
                          "set wait_key=no\nset pipe_split=no\nset pipe_decode=yes\nset auto_tag=yes\n"
                          f"push '<tag-pattern>~A<enter><pipe-message>cat >{place}/out<enter><exit>'\n")
        status, seen = self.on_terminal_of("mutt", "-n", "-F", script, "-f", self.server.box)
        self.assertEqual(status, 0, seen)
        text = (place / "out").read_text()
        for marker in self.markers:
            self.assertIn(marker, text)

    def on_terminal_of(self, *argv):
        master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (24, 80))  # the ncurses of Debian 13 cannot open a terminal without a size
        child = subprocess.Popen([*map(str, argv)], stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                                 env=harness.environment({"TERM": "xterm"}))
        self.addCleanup(lambda: child.poll() is None and child.kill())
        os.close(slave)
        end, seen = time.monotonic() + harness.DEADLINE, b""
        while child.poll() is None and time.monotonic() < end:
            if select.select([master], [], [], 0.1)[0]:
                try:
                    seen += os.read(master, 65536)
                except OSError:
                    break
        os.close(master)
        return child.wait(harness.DEADLINE), harness.text_of(seen)


if __name__ == "__main__":
    harness.main()
