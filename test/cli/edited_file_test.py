# SPDX-License-Identifier: MIT
"""Files that people edit: a byte order mark, CRLF or a missing last line end makes no difference in any of them."""

import base64
import json
import socket

import harness
import smtp_server
from harness import main

MARK = b"\xef\xbb\xbf"


def as_edited(*lines):
    """These lines as an editor on Windows writes them."""
    return MARK + "\r\n".join(lines).encode()


class EditedFile(harness.Case):
    def file(self, *lines):
        place = self.scratch() / "file"
        place.write_bytes(as_edited(*lines))
        place.chmod(0o600)
        return place

    def mail(self, server, *words, **how):
        return self.netlab("mail", "send", "--server", f"localhost:{server.port}", "-4", "--tls", "none", "--from",
                           "a@example.org", *words, **how)

    def test_targets(self):
        """edited file: targets"""
        for option in ("--host", "--exclude"):
            words = [option, f"@{self.file('# hosts', '127.0.0.2', '127.0.0.3')}"]
            if option == "--exclude":
                words += ["--host", "127.0.0.2-4"]
            done = self.netlab("scan", *words, "--range", "1", "--all", "--json")
            seen = sorted(json.loads(line)["address"] for line in done.lines[:-1])
            self.assertEqual(seen, ["127.0.0.2", "127.0.0.3"] if option == "--host" else ["127.0.0.4"])

    def test_configuration(self):
        """edited file: the configuration"""
        server = self.serve("--tcp")
        file = self.file("[calc query]", "", f"port = {server.port}", "verbose = yes")
        done = self.netlab("calc", "query", "sum", "1", "2", env={"NETLAB_CONFIG": file})
        self.assertEqual(done.out, "3\n")
        self.assertIn(f"127.0.0.1:{server.port}", done.err)

    def test_requests(self):
        """edited file: requests of calc query, in a file and in a pipe"""
        server = self.serve("--tcp")
        lines = as_edited("sum 1 2", "pro 3 4")
        self.assertEqual(self.netlab("calc", "query", "--port", server.port, input=lines).lines, ["3", "12"])
        done = self.shell(f'"$N" calc query --port {server.port} < {self.file("sum 1 2", "pro 3 4")}')
        self.assertEqual(done.out, "3\n12\n", done.err)

    def test_batch(self):
        """edited file: a batch of mail, in a file and in a pipe"""
        messages = [json.dumps({"to": f"r{n}@example.org", "body": "x"}) for n in range(3)]
        for words, octets in ((["--batch", self.file(*messages)], b""), (["--batch", "-"], as_edited(*messages))):
            server = smtp_server.Server(self, tls="none")
            done = self.mail(server, *words, input=octets)
            self.assertEqual(len(done.lines), 3, done.err)
            self.assertEqual([each.recipients for each in server.session().messages], [[f"r{n}@example.org"] for n in range(3)])

    def test_text(self):
        """edited file: the text of a message, as plain text and as HTML"""
        server = smtp_server.Server(self, tls="none")
        self.mail(server, "--to", "b@example.org", "--body-file", self.file("Hello", "Ben"), "--html", self.file("<p>Hello"))
        octets = server.session().messages[0].octets
        self.assertIn(b"\r\nHello\r\nBen\r\n", octets)
        self.assertIn(b"<p>Hello\r\n", octets)
        for mark in (MARK, b"=EF=BB=BF", b"77u/"):
            self.assertNotIn(mark, octets)

    def test_password(self):
        """edited file: a password"""
        maildir = self.scratch() / "mail"
        sink = self.start("mail", "sink", "--port", "0", "--tls-port", "none", "--bind", "127.0.0.1", "--maildir", maildir,
                          "--state", self.scratch(), "--user", "ann", "--password-file", self.file("secret", "more"),
                          "--auth-without-tls")
        line = sink.until_out(r"listening tcp 127\.0\.0\.1:(\d+)")
        port = int(line[1])
        with socket.create_connection(("127.0.0.1", port), timeout=harness.DEADLINE) as peer:
            reader = peer.makefile("rb")

            def say(text):
                peer.sendall(text + b"\r\n")
                while (answer := reader.readline())[3:4] == b"-":
                    pass
                return answer

            reader.readline()
            say(b"EHLO x")
            self.assertEqual(say(b"AUTH PLAIN " + base64.b64encode(b"\0ann\0secret"))[:3], b"235")

    def test_base64(self):
        """edited file: Base64 to be decoded"""
        self.assertEqual(self.netlab("base64", "-d", input=as_edited("aGVsbG8=")).out, "hello")


if __name__ == "__main__":
    main()
