# SPDX-License-Identifier: MIT
"""netlab mail wait beside programs that others wrote: Python's mailbox and email modules write and move the messages,
smtplib sends them; formail's and dovecot's Maildirs are the same format."""

import base64
import email.message
import email.policy
import json
import mailbox
import os
import shutil
import subprocess
import unittest

import harness
from harness import DEADLINE, DONE
from mail_sinking import Sinking

LONG = f"{int(DEADLINE)}s"


def message(to="ann@example.org", subject="Grüße aus Köln: 日本語 — eine sehr lange Betreffzeile, die gefaltet werden muss",
            body="Hallo,\n\nschöne Grüße\n"):
    made = email.message.EmailMessage(policy=email.policy.SMTP)
    made["From"] = "Jörg Müller <joerg@example.net>"
    made["To"] = f"Änn <{to}>"
    made["Subject"] = subject
    made.set_content(body, cte="quoted-printable")
    return made


class Waiting(harness.Case):
    def waiting(self, box, *words):
        process = self.start("mail", "wait", "--maildir", box, "--timeout", LONG, "--json", *words)
        process.until_caught()
        return process

    def told(self, process):
        done = process.wait()
        self.assertEqual(done.status, DONE, done.err)
        return [json.loads(line) for line in done.lines]

    def test_python_delivers(self):
        """a message that Python's mailbox module delivers, in a Maildir that it makes meanwhile, decoded as Python does"""
        path = self.scratch() / "box"
        process = self.waiting(path, "--subject", "日本語")
        box = mailbox.Maildir(path)
        box.add(message(subject="another"))
        sent = message()
        sent.add_alternative("<p>schöne Grüße</p>\n", subtype="html")
        sent.add_attachment(bytes(range(256)), maintype="application", subtype="octet-stream", filename="Köln – Übersicht der Ergebnisse.bin")
        box.add(sent)
        [found] = self.told(process)
        self.assertEqual(found["subject"], str(sent["Subject"]))
        self.assertEqual((found["from"], found["to"]), (["joerg@example.net"], ["ann@example.org"]))
        names = [each.get_content_type() for each in sent.walk() if not each.is_multipart()]
        self.assertEqual([each["type"] for each in found["parts"]], names)
        self.assertEqual(found["parts"][0]["text"].replace("\r\n", "\n"), "Hallo,\n\nschöne Grüße\n")
        self.assertEqual(found["parts"][2]["name"], "Köln – Übersicht der Ergebnisse.bin")
        self.assertEqual(found["parts"][2]["size"], 256)

    def test_python_reads(self):
        """a reader that marks each message as read at once hides none"""
        path = self.scratch() / "box"
        box = mailbox.Maildir(path)
        process = self.waiting(path, "--count", 20)
        for number in range(20):
            key = box.add(message(subject=f"number {number}"))
            # Not by Python's own way, which has the message twice meanwhile.
            os.rename(path / "new" / key, path / "cur" / f"{key}:2,S")
        self.assertEqual(len({each["subject"] for each in self.told(process)}), 20)

    def test_every_encoding(self):
        """text and subjects in the character sets of the world read as Python wrote them"""
        path = self.scratch() / "box"
        box = mailbox.Maildir(path)
        for charset, text in (("utf-8", "Ünïcödé 🦊"), ("iso-8859-1", "Grüße"), ("iso-8859-15", "5 €"), ("koi8-r", "привет"),
                              ("windows-1251", "Привет"), ("iso-2022-jp", "日本語"), ("shift_jis", "日本語"), ("euc-jp", "日本語"),
                              ("gb2312", "简体中文"), ("big5", "繁體中文"), ("euc-kr", "한국어")):
            for encoding in ("base64", "quoted-printable"):
                with self.subTest(charset=charset, encoding=encoding):
                    sent = message()
                    del sent["Subject"]
                    raw = f"=?{charset}?B?{base64.b64encode(text.encode(charset)).decode()}?="
                    sent.set_content(f"{text}\n", charset=charset, cte=encoding)
                    key = box.add(b"Subject: " + raw.encode() + b"\n" + sent.as_bytes())
                    [found] = map(json.loads, self.netlab("mail", "wait", "--maildir", path, "--timeout", 0, "--json").lines)
                    self.assertEqual(found["subject"], text)
                    self.assertEqual(found["parts"][0]["text"].strip(), text)
                    box.remove(key)

    @unittest.skipUnless(shutil.which("maildrop") or shutil.which("procmail"), "neither maildrop nor procmail installed")
    def test_delivery_agents(self):
        """what maildrop or procmail deliver is found"""
        path = self.scratch() / "box"
        mailbox.Maildir(path)
        process = self.waiting(path)
        if shutil.which("procmail"):
            argv = ["procmail", f"DEFAULT={path}/", f"MAILDIR={path}", "/dev/null"]
        else:
            rules = self.scratch() / "rules"
            rules.write_text(f'to "{path}"\n')
            rules.chmod(0o600)
            argv = ["maildrop", str(rules)]
        subprocess.run(argv, input=message().as_bytes(), check=True, timeout=DEADLINE, env=harness.environment())
        self.assertEqual(len(self.told(process)), 1)


class Smtp(Sinking):
    def test_smtplib(self):
        """what smtplib sends to mail sink is found by the envelope, and is not there before its 250"""
        server = self.sink()
        wait = self.start("mail", "wait", "--maildir", server.box, "--to", "hidden@example.org", "--timeout", LONG, "--json")
        wait.until_caught()
        peer = self.client(server)
        peer.send_message(message(), from_addr="bounce@example.net", to_addrs=["ann@example.org", "hidden@example.org"])
        done = wait.wait()
        self.assertEqual(done.status, DONE, done.err)
        found = json.loads(done.out)
        self.assertEqual((found["envelope_from"], found["envelope_to"]), ("bounce@example.net", ["ann@example.org", "hidden@example.org"]))
        [kept] = self.messages(server)
        self.assertEqual(len(found["header"]), len(kept.keys()))
        self.assertTrue(os.path.exists(found["file"]))


if __name__ == "__main__":
    harness.main()
