# SPDX-License-Identifier: MIT
"""Python's email package parses messages composed by netlab: headers, names, texts, attachments, octet for octet."""
import email
import email.header
import email.policy
import email.utils
import json
import os
import pathlib
import random
import re
import subprocess

import harness

COMPOSE = os.environ["COMPOSE"]

WORDS = ["a", "of", "Grüße", "日本語", "naïve", "=?utf-8?Q?x?=", "x=y", "\"quoted\"", "a,b", "(c)", "it's", "🙂🙃", "Ω",
         "back\\slash", "semi;colon", "_under_", "50%", "ß" * 60, "long" * 30, "…", "–", "é" * 25, "?=", "=?", "<b>"]


def to_crlf(text):
    text = re.sub(r"\r\n|\r|\n", "\r\n", text)
    return text if not text or text.endswith("\r\n") else text + "\r\n"


class Composed(harness.Case):
    def compose(self, status=0, **draft):
        done = harness.run([COMPOSE], input=json.dumps({"from": "a@example.org", **draft}))
        self.assertEqual(done.status, status, done.err)
        if status:
            return done.err
        octets = harness.octets_of(done.out)
        self.assert_well_formed(octets, draft)
        return octets

    def read(self, **draft):
        return email.message_from_bytes(self.compose(**draft), policy=email.policy.SMTPUTF8)

    def assert_well_formed(self, octets, draft):
        """Lines end in CRLF only, none is too long, and 8-bit octets are only in allowed places."""
        lines = octets.split(b"\r\n")
        self.assertEqual(lines[-1], b"", "the last line ends too")
        for line in lines:
            self.assertNotRegex(line, rb"[\r\n\0]")
            self.assertLessEqual(len(line), 998)
        if "raw" not in draft:
            header = octets.split(b"\r\n\r\n", 1)[0]
            for line in header.split(b"\r\n"):
                self.assertNotEqual(line.strip(), b"")
            if not draft.get("smtputf8"):
                self.assertTrue(header.isascii(), header)
            if not draft.get("8bitmime"):
                self.assertTrue(octets.isascii())

    def random_text(self, chance, words):
        return " ".join(chance.choice(WORDS) for _ in range(words))

    def test_subjects(self):
        """Subjects come back as they were written, whatever is in them"""
        chance = random.Random(1)
        for number in range(120):
            subject = self.random_text(chance, 1 + number % 25)
            with self.subTest(subject):
                self.assertEqual(str(self.read(subject=subject)["subject"]), subject)

    def test_blanks(self):
        """Blanks in a subject are kept, also at its ends and in rows"""
        for subject in ("a  b", "ä  ö", "ä  b", "a  ö", "a   ö ü   b", " lead", "trail ", "ä ", " ä", "a" + " " * 20 + "b",
                        "x" * 70 + "   " + "y" * 70, "a\tb"):
            with self.subTest(subject):
                self.assertEqual(str(self.read(subject=subject)["subject"]), subject)

    def test_names(self):
        """Names of mailboxes come back as they were written, in any number"""
        chance = random.Random(2)
        for number in range(60):
            names = [self.random_text(chance, 1 + number % 4) for _ in range(1 + number % 7)]
            quoted = ['"' + re.sub(r'(["\\])', r"\\\1", name) + '"' for name in names]
            given = ", ".join(f"{name} <u{at}@example.org>" for at, name in enumerate(quoted))
            with self.subTest(given):
                # The newer parser keeps the blank between two encoded-words of a name; the older one removes it
                # correctly.
                read = email.message_from_bytes(self.compose(to=given), policy=email.policy.compat32)
                found = email.utils.getaddresses([read["to"]])
                self.assertEqual([address for _, address in found], [f"u{at}@example.org" for at in range(len(names))])
                self.assertEqual([str(email.header.make_header(email.header.decode_header(name))) for name, _ in found],
                                 names)

    def test_addresses(self):
        """Odd addresses come back; domains are in Punycode"""
        read = self.read(to='"odd one"@example.org, x@[192.0.2.1], j@bücher.example, o\'hara+x=y@a.example')
        self.assertEqual([(one.username, one.domain) for one in read["to"].addresses],
                         [("odd one", "example.org"), ("x", "[192.0.2.1]"), ("j", "xn--bcher-kva.example"),
                          ("o'hara+x=y", "a.example")])

    def test_internationalized_addresses(self):
        """A local part outside ASCII stands in UTF-8 where SMTPUTF8 is offered, and is refused elsewhere"""
        read = self.read(to="Jörg <jörg@example.org>", smtputf8=True, **{"8bitmime": True})
        self.assertEqual(str(read["to"]), "Jörg <jörg@example.org>")
        self.assertIn("SMTPUTF8", self.compose(status=1, to="jörg@example.org"))

    def test_texts(self):
        """Texts come back octet for octet in CRLF form, with and without 8BITMIME"""
        chance = random.Random(3)
        pieces = ["plain", "ä", "\n", "\r\n", "\r", " ", "\t", ".", "\n.\n", "=", "=20", "x" * 90, "From me\n", " \n", "é" * 300,
                  "x" * 997, "x" * 999, "日本" * 30, "--", "\x00", "\x0b"]
        for number in range(150):
            text = "".join(chance.choice(pieces[:18 if number % 10 else None]) for _ in range(number % 30))
            draft = {"text": text, "8bitmime": bool(number % 2)}
            if number % 3 == 0:
                draft["html"] = "<p>" + text[::-1].replace("\n\r", "\n") + "</p>"
            with self.subTest(text):
                read = self.read(**draft)
                part = read.get_body(("plain",))
                self.assertEqual(part.get_payload(decode=True).decode(), to_crlf(text))
                if "html" in draft:
                    self.assertEqual(read.get_content_type(), "multipart/alternative")
                    self.assertEqual(read.get_body(("html",)).get_payload(decode=True).decode(), to_crlf(draft["html"]))

    def test_attachments(self):
        """Attachments come back octet for octet, with their names and types"""
        chance = random.Random(4)
        place = self.scratch()
        contents = {"empty.bin": b"", "one.png": b"\x89", "bild 1.JPEG": bytes(range(256)), "Grüße, \"quoted\".pdf": b"%PDF" * 999,
                    "n" * 200 + ".txt": b"a\nb\r\nc\r", "日" * 70 + ".tar.gz": chance.randbytes(200_000), "noextension": b"\0" * 57,
                    "100%*'.zip": chance.randbytes(57 * 512), "mail.eml": b"From: x\n\ny\n"}
        for name, content in contents.items():
            (place / name).write_bytes(content)
        read = self.read(text="see", html="<b>see</b>", attach=[str(place / name) for name in contents])
        self.assertEqual(read.get_content_type(), "multipart/mixed")
        parts = list(read.iter_attachments())
        self.assertEqual([part.get_filename() for part in parts], list(contents))
        self.assertEqual([part.get_payload(decode=True) for part in parts], list(contents.values()))
        self.assertEqual([part.get_content_type() for part in parts],
                         ["application/octet-stream", "image/png", "image/jpeg", "application/pdf", "text/plain",
                          "application/gzip", "application/octet-stream", "application/zip", "application/octet-stream"])
        self.assertTrue(all(part.get_content_disposition() == "attachment" for part in parts))
        self.assertEqual(read.get_body(("plain",)).get_content(), "see\r\n")
        self.assertEqual(list(self.read(attach=[str(place / "one.png")]).iter_attachments())[0].get_payload(decode=True), b"\x89")

    def test_headers(self):
        """Date, Message-ID, MIME-Version and further fields are there once, Bcc never"""
        read = self.read(to="b@example.org", bcc="secret@example.org", cc="c@example.org", date=1_700_000_000, utc_offset=-210,
                         message_id="x.y@example.org", headers=[["X-Note", "für dich"], ["Reply-To", "Käse <k@example.org>"],
                                                                ["References", "<1@a> <2@b>"]])
        self.assertEqual(read["message-id"], "<x.y@example.org>")
        self.assertEqual(read["date"].datetime.timestamp(), 1_700_000_000)
        self.assertEqual(read["date"].datetime.utcoffset().total_seconds(), -210 * 60)
        self.assertEqual([read["mime-version"], read["x-note"], read["references"]], ["1.0", "für dich", "<1@a> <2@b>"])
        self.assertEqual(read["reply-to"].addresses[0].display_name, "Käse")
        self.assertNotIn("bcc", read)
        self.assertNotIn("secret", str(read))
        for name in read.keys():
            self.assertEqual(len(read.get_all(name)), 1, name)
        self.assertEqual(read.defects, [])

    def test_injection(self):
        """What would make a header line of its own is refused, wherever it is given"""
        for draft in ({"subject": "a\r\nBcc: x@y"}, {"subject": "a\nb"}, {"subject": "a\rb"}, {"subject": "a\0b"},
                      {"to": "a\r\nX: y <a@b>"}, {"to": "a@b\r\n"}, {"headers": [["X", "a\nb: c"]]}, {"headers": [["X\r\nY", "a"]]},
                      {"headers": [["X: Y", "a"]]}, {"headers": [["Bcc", "a@b"]]}, {"message_id": "a@b>\r\nX: <y"},
                      {"headers": [["Subject", "two"]]}):
            with self.subTest(draft):
                self.assertEqual(len(self.compose(status=1, **draft).splitlines()), 1)
        place = self.scratch()
        (place / "a\r\nb.txt").write_bytes(b"x")
        self.assertIn("line end", self.compose(status=1, attach=[str(place / "a\r\nb.txt")]))

    def test_raw(self):
        """A ready message comes back with CRLF and without its Bcc fields, else unchanged"""
        place = self.scratch() / "message"
        message = b"From: a@b\nBCC: x@y,\n z@y\nTo: c@d\rBcc : u@v\r\nSubject: x\n folded\n\nBcc: in the body\n.\n\r\nlast"
        place.write_bytes(message)
        self.assertEqual(self.compose(raw=str(place)),
                         b"From: a@b\r\nTo: c@d\r\nSubject: x\r\n folded\r\n\r\nBcc: in the body\r\n.\r\n\r\nlast\r\n")


class Large(harness.Case):
    def test_memory(self):
        """A large attachment is streamed: 256 MiB of it in 16 MiB of memory"""
        if harness.is_sanitized():
            self.skipTest("the sanitizers' memory is counted too")
        place = self.scratch() / "large.bin"
        with open(place, "wb") as file:
            file.truncate(256 << 20)
        child = subprocess.Popen([COMPOSE], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        with child.stdin as stdin:
            stdin.write(json.dumps({"from": "a@b.c", "attach": [str(place)]}).encode())
        self.addCleanup(child.wait)
        length, most = 0, 0
        with child.stdout as stdout:
            while piece := stdout.read(1 << 20):
                length += len(piece)
                if found := re.search(rb"VmHWM:\s*(\d+) kB", pathlib.Path(f"/proc/{child.pid}/status").read_bytes()):
                    most = int(found[1])
        self.assertEqual(child.wait(harness.DEADLINE), 0)
        self.assertGreater(length, 256 << 20)
        self.assertLess(most, 16 << 10)


harness.main()
