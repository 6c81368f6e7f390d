#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""netlab connect against real servers: openssl s_server, telnetd, Postfix, Dovecot, PostgreSQL, OpenLDAP."""

import json
import os
import pathlib
import socket
import subprocess
import threading
import time

import certificates
import dovecot
import harness
import unpacked


class Talk:
    """The common part of the tests: the certificates, Dovecot, and netlab connect on a pipe."""

    def certificate(self):
        made = certificates.Certificates()
        for name in ("good.pem", "good.key", "ca.pem"):
            (self.place / name).write_bytes((made.place / name).read_bytes())
            (self.place / name).chmod(0o644)
        return made

    def dovecot(self, services, listening, **how):
        version = harness.run(self.argv("/usr/sbin/dovecot", "--version")).out
        file = self.place / "dovecot.conf"
        file.write_text(dovecot.configuration(version, self.place, services, **how))
        self.start_peer("/usr/sbin/dovecot", "-F", "-c", file, listening=listening)

    def connect(self, made, port, *words, **how):
        return self.netlab("connect", "--ca-file", made.ca, *words, f"127.0.0.1:{port}", **how)


@certificates.needs_openssl
class SServer(harness.Case):
    """openssl s_server."""

    @classmethod
    def setUpClass(cls):
        cls.made = certificates.Certificates()

    def s_server(self, *words, name="good"):
        port = unpacked.free_port()
        process = harness.Process(["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", str(self.made.chain(name)),
                                   "-key", str(self.made.key(name)), *map(str, words)])
        self.addCleanup(process.kill)
        process.until_out("ACCEPT")
        return port

    def connect(self, port, *words, **how):
        # s_server does not close, so the idle timeout ends the connection.
        return self.netlab("connect", "--tls", "--ca-file", self.made.ca, "--idle-timeout", "2s", *words, f"127.0.0.1:{port}",
                           **how)

    def test_lines(self):
        """connect: a line to s_server -rev comes back reversed; lines that begin with Q and R are data"""
        port = self.s_server("-rev")
        self.assertEqual(self.connect(port, "-q", input="Quit\nRenegotiate\n").out, "tiuQ\netaitogeneR\n")

    def test_versions(self):
        """connect: TLS 1.2 and 1.3, with other groups and keys"""
        for words, wanted in ((["-tls1_2"], "TLSv1.2"), (["-tls1_3", "-groups", "P-384"], "EC secp384r1"),
                              (["-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"], "TLS_CHACHA20_POLY1305_SHA256")):
            self.assertIn(wanted, self.connect(self.s_server("-rev", *words), input="x\n").err.splitlines()[0])

    def test_alpn_and_resumption(self):
        """connect: ALPN, and a session resumed"""
        port = self.s_server("-rev", "-alpn", "smtp,h2")
        done = self.connect(port, "--alpn", "h2", "--reconnect", "--json", input="abc\n")
        reports = [json.loads(line)["tls"] for line in done.error_lines if line.startswith("{")]
        self.assertEqual([(each["alpn"], each["resumed"]) for each in reports], [("h2", False), ("h2", True)])
        self.assertEqual(done.out, "cba\n")

    def test_client_certificate(self):
        """connect: a server that wants a certificate gets it, and without is told of as 77"""
        port = self.s_server("-rev", "-Verify", "1", "-verify_return_error", "-CAfile", self.made.ca)
        self.connect(port, "--cert", self.made.chain("good"), "--key", self.made.key("good"), input="x\n")
        self.connect(port, input="x\n", status=harness.NOT_PERMITTED)

    def test_bad_certificates(self):
        """connect: what s_client lets pass is refused"""
        for name in ("expired", "wrong", "self-signed", "foreign"):
            with self.subTest(name):
                self.connect(self.s_server("-rev", name=name), input="x\n", status=harness.NOT_PERMITTED)

    def test_stapled(self):
        """connect: a stapled OCSP answer is told, a good one and a revocation"""
        place = self.scratch()
        serial = harness.run(["openssl", "x509", "-in", str(self.made.chain("good")), "-noout", "-serial"]).out.strip().split("=")[1]
        for state, wanted in (("V\t350101000000Z\t\t", "OCSP: good"), ("R\t350101000000Z\t250101000000Z\t", "OCSP: REVOKED since 2025-01-01")):
            (place / "index.txt").write_text(f"{state}{serial}\tunknown\t/CN=good\n")
            (place / "index.txt.attr").write_text("")
            subprocess.run(["openssl", "ocsp", "-index", place / "index.txt", "-CA", self.made.ca, "-rsigner", self.made.ca,
                            "-rkey", self.made.key("ca"), "-issuer", self.made.ca, "-cert", self.made.chain("good"),
                            "-respout", place / "answer.der", "-ndays", "7"], check=True, capture_output=True)
            port = self.s_server("-rev", "-status_file", place / "answer.der")
            done = self.connect(port, input="x\n")
            self.assertIn(wanted, done.err)
            self.assertNotIn("not verified)", done.err)
            self.assertNotIn("out of date", done.err)

    def test_keylog(self):
        """connect: the key log has the lines that s_server's own has"""
        ours, theirs = self.scratch() / "ours", self.scratch() / "theirs"
        self.connect(self.s_server("-rev", "-keylogfile", theirs), "--keylog", ours, input="x\n")
        def lines(file):
            return {line for line in file.read_text().splitlines() if not line.startswith("#")}
        self.assertTrue(lines(ours))
        self.assertLessEqual(lines(ours), lines(theirs))


class Telnetd(unpacked.Peer):
    packages = ("inetutils-telnetd",)

    def test_session(self):
        """connect --telnet: a session with telnetd, which negotiates; the end of the input ends it"""
        login = self.place / "login"
        login.write_text("#!/bin/sh\necho 'who are you?'\nread name\necho \"hello $name\"\nprintf 'a\\377b\\n'\nread end\n")
        login.chmod(0o755)
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)

        def serve():  # as inetd does
            connection, _ = listener.accept()
            with connection:
                child = subprocess.Popen(self.argv("/usr/sbin/telnetd", "-h", "-E", login), stdin=connection,
                                         stdout=connection, stderr=subprocess.DEVNULL)
            self.addCleanup(child.wait)
            self.addCleanup(child.kill)

        threading.Thread(target=serve, daemon=True).start()
        reader, writer = os.pipe()
        child = self.start("connect", "--telnet", "127.0.0.1", listener.getsockname()[1], stdin=reader)
        os.close(reader)
        child.until_out("who are you")
        os.write(writer, b"netlab\n")
        child.until_out("hello netlab")
        child.until_out("a[^a-z]b")  # telnetd ends with its child and drops remaining output
        os.close(writer)
        done = child.wait()
        self.assertEqual(done.status, 0, done.err)
        self.assertIn(b"a\xffb", harness.octets_of(done.out))


@certificates.needs_openssl
class Postfix(Talk, unpacked.Peer):
    """Postfix with Dovecot's auth service, for AUTH."""

    packages = ("postfix", "dovecot-core")

    def postfix(self, port, tls_port):
        made = self.certificate()
        for name in ("conf", "spool", "data"):
            (self.place / name).mkdir()
        os.chown(self.place / "data", 890, 890)
        (self.place / "conf" / "main.cf").write_text(f"""
compatibility_level = 3.6
queue_directory = {self.place}/spool
data_directory = {self.place}/data
daemon_directory = /usr/lib/postfix/sbin
command_directory = /usr/sbin
shlib_directory = /usr/lib/postfix
meta_directory = /etc/postfix
sendmail_path = /usr/sbin/sendmail
mailq_path = /usr/bin/mailq
newaliases_path = /usr/bin/newaliases
mail_owner = postfix
setgid_group = postdrop
myhostname = mail.example
mydestination =
mynetworks = 127.0.0.0/8
inet_protocols = ipv4
# A pipe does not wait for the answers; from 3.9 on that is refused before a login.
smtpd_forbid_unauth_pipelining = no
default_transport = discard:
alias_maps =
maillog_file = {self.place}/log
maillog_file_prefixes = /var
smtpd_tls_cert_file = {self.place}/good.pem
smtpd_tls_key_file = {self.place}/good.key
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = private/auth
""")
        services = {"anvil": 1, "tlsmgr": 1, "rewrite:trivial-rewrite": "-", "discard": "-", "proxymap": "-", "bounce": 0,
                    "defer:bounce": 0}
        (self.place / "conf" / "master.cf").write_text(
            f"127.0.0.1:{port} inet n - n - - smtpd\n"
            f"127.0.0.1:{tls_port} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes\n"
            "postlog unix-dgram n - n - 1 postlogd\n"
            + "cleanup unix n - n - 0 cleanup\nqmgr unix n - n 300 1 qmgr\n"
            + "".join(f"{name.split(':')[0]} unix - - n - {most} {name.split(':')[-1]}\n" for name, most in services.items()))
        self.start_peer("/usr/sbin/postfix", "-c", self.place / "conf", "start-fg", listening=[port, tls_port])
        socket_ = self.place / "spool" / "private" / "auth"
        self.dovecot(f"service auth {{\n unix_listener {socket_} {{\n  mode = 0666\n }}\n}}\n", [socket_])
        return made

    # someone, secret
    MAIL = ("EHLO lab.example\r\nAUTH LOGIN\r\nc29tZW9uZQ==\r\nc2VjcmV0\r\nMAIL FROM:<a@lab.example>\r\nRCPT TO:<b@mail.example>\r\nDATA\r\n"
            "From: A <a@lab.example>\r\nSubject: by hand\r\n\r\nRead me.\r\nQuite so.\r\n.\r\nQUIT\r\n")

    def test_mail_by_hand(self):
        """connect: Postfix takes a mail by hand over STARTTLS and over TLS, and every answer comes"""
        port, tls_port = unpacked.free_ports(2)
        made = self.postfix(port, tls_port)
        for words, where, codes in ((["--starttls", "smtp"], port, ["250", "334", "334", "235", "250", "250", "354", "250", "221"]),
                                    (["--tls"], tls_port, ["220", "250", "334", "334", "235", "250", "250", "354", "250", "221"])):
            done = self.connect(made, where, *words, input=self.MAIL)
            self.assertEqual([line[:3] for line in done.lines if line[3:4] == " "], codes, done.out)
            self.assertRegex(done.out, r"250 2\.0\.0 Ok: queued as")
            self.assertRegex(done.err, r"^TLSv1\.3, .*\ncertificate: verified\n")
        # Plain, with the line ends of a keyboard.
        done = self.netlab("connect", "--crlf", f"127.0.0.1:{port}", input="EHLO a\nQUIT\n")
        self.assertIn("221 2.0.0 Bye", done.out)
        # No QUIT: Postfix waits, and netlab ends after the idle timeout.
        done = self.connect(made, port, "--starttls", "smtp", "--idle-timeout", "2s", input="EHLO a\r\n")
        self.assertIn("250 ", done.out)


@certificates.needs_openssl
class Dovecot(Talk, unpacked.Peer):
    packages = ("dovecot-core", "dovecot-imapd", "dovecot-pop3d")

    def test_imap_and_pop3(self):
        """connect: Dovecot over STARTTLS and TLS, IMAP and POP3: log in and leave, in a pipe"""
        made = self.certificate()
        ports = dict(zip(("imap", "imaps", "pop3", "pop3s"), unpacked.free_ports(4)))
        home = self.place / "home"
        home.mkdir()
        os.chown(home, 891, 891)
        def service(name):
            return (f"service {name}-login {{\n chroot =\n inet_listener {name} {{\n  port = {ports[name]}\n }}\n"
                    f" inet_listener {name}s {{\n  port = {ports[name + 's']}\n  ssl = yes\n }}\n}}\n")
        self.dovecot(service("imap") + service("pop3"), ports.values(), protocols="imap pop3", home=home)
        imap = "a login someone secret\r\nb select INBOX\r\nc logout\r\n"
        pop3 = "USER someone\r\nPASS secret\r\nSTAT\r\nQUIT\r\n"
        for words, name, talk, wanted in ((["--starttls", "imap"], "imap", imap, "c OK Logout"), (["--tls"], "imaps", imap, "c OK Logout"),
                                          (["--starttls", "pop3"], "pop3", pop3, "+OK 0 0"), (["--tls"], "pop3s", pop3, "+OK 0 0")):
            done = self.connect(made, ports[name], *words, input=talk)
            self.assertIn(wanted, done.out, done.err)


@certificates.needs_openssl
class PostgreSql(Talk, unpacked.Peer):
    packages = ("postgresql",)  # any version that this Debian has

    def test_startup(self):
        """connect --starttls postgres: PostgreSQL answers the startup message under TLS"""
        made = self.certificate()
        data, port = self.place / "data", unpacked.free_port()
        data.mkdir()
        key = self.place / "good.key"
        user = 894
        for each in (data, key):
            os.chown(each, user, user)
        key.chmod(0o600)
        # The package depends on the server's package, which may be installed on the machine: then it is in /usr.
        found = sorted(each.relative_to(top) for top in (self.root, pathlib.Path("/"))
                       for each in top.glob("usr/lib/postgresql/*/bin/initdb"))
        bin_ = pathlib.Path("/") / found[-1].parent
        as_user = ["setpriv", "--reuid", "894", "--regid", "894", "--clear-groups"]
        made_it = harness.run(self.argv(*as_user, f"{bin_}/initdb", "-D", data, "-A", "trust", "--no-sync", "-E", "UTF8",
                                        "--locale=C"), env={**os.environ, "LC_ALL": "C"})
        self.assertEqual(made_it.status, 0, made_it.out + made_it.err)
        self.start_peer(*as_user, f"{bin_}/postgres", "-D", data, "-p", port, "-h", "127.0.0.1", "-c", "ssl=on", "-c",
                        f"ssl_cert_file={self.place}/good.pem", "-c", f"ssl_key_file={key}", "-c",
                        "unix_socket_directories=", "-c", "fsync=off",
                        "-c", "dynamic_shared_memory_type=mmap",  # files in /dev/shm would outlive a SIGKILL
                        listening=[port])
        body = b"\0\3\0\0user\0postgres\0database\0postgres\0\0"
        query = b"select 6 * 7\0"
        script = ((len(body) + 4).to_bytes(4, "big") + body + b"Q" + (len(query) + 4).to_bytes(4, "big") + query
                  + b"X\0\0\0\4")
        give_up = time.monotonic() + harness.DEADLINE
        done = self.connect(made, port, "--starttls", "postgres", input=script)
        while "57P03" in done.out and time.monotonic() < give_up:  # it listens before it has started up
            time.sleep(0.05)
            done = self.connect(made, port, "--starttls", "postgres", input=script)
        self.assertTrue(done.out.startswith("R"), done.out)
        self.assertIn("\x0042", done.out.replace("\0\0\0\x02", "\0"))


@certificates.needs_openssl
class OpenLdap(Talk, unpacked.Peer):
    packages = ("slapd",)

    def test_bind(self):
        """connect --starttls ldap: OpenLDAP answers a bind under TLS"""
        made = self.certificate()
        port = unpacked.free_port()
        (self.place / "slapd.conf").write_text(f"""
include /etc/ldap/schema/core.schema
modulepath /usr/lib/ldap
moduleload back_ldif
pidfile {self.place}/pid
argsfile {self.place}/args
TLSCACertificateFile {self.place}/ca.pem
TLSCertificateFile {self.place}/good.pem
TLSCertificateKeyFile {self.place}/good.key
database ldif
suffix dc=example
directory {self.place}
""")
        self.start_peer("/usr/sbin/slapd", "-h", f"ldap://127.0.0.1:{port}", "-f", self.place / "slapd.conf", "-d", "0", listening=[port])
        bind = bytes.fromhex("300c 020102 6007 020103 0400 8000")
        # After an unbind, slapd would drop the answer, so the idle timeout ends the connection.
        done = self.connect(made, port, "--starttls", "ldap", "--idle-timeout", "2s", input=bind)
        self.assertEqual(harness.octets_of(done.out).hex(), "300c02010261070a010004000400")


if __name__ == "__main__":
    harness.main()
