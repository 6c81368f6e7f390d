# SPDX-License-Identifier: MIT
"""netlab mail wait: ends when a message that fits is in a Maildir, whoever put it there and however."""

import errno
import json
import os
import pathlib
import resource
import signal
import threading
import unittest

import harness
from harness import CONFIG, DEADLINE, DONE, INTERRUPTED, NO_INPUT, SYSTEM, TERMINATED, TRY_LATER, USAGE, needs_root, unsanitized
from mail_sinking import Sinking

LONG = f"{int(DEADLINE)}s"
ANN = ("Return-Path: <eve@example.net>\nDelivered-To: ann@example.org\nFrom: Eve <eve@example.net>\nTo: Team <team@example.org>\n"
       "Subject: Your =?utf-8?q?Best=C3=A4tigung?=\n\nHello Ann\n")
BEN = "From: x@example.com\nTo: ben@example.org\nSubject: other\n\nHello Ben\n"
PARTS = """From: a@example.org
To: b@example.org
Subject: parts
Message-ID: <1@example.org>
Content-Type: multipart/mixed; boundary=o

--o
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

Gr=FC=DFe
--o
Content-Type: application/octet-stream
Content-Disposition: attachment; filename*=utf-8''%C3%BC.bin
Content-Transfer-Encoding: base64

AAEC
--o--
"""


inotify_init1 = {"x86_64": 294, "aarch64": 26}


class Waiting(harness.Case):
    def setUp(self):
        self.number = 0

    def box(self, exists=True):
        box = self.scratch() / "box"
        if exists:
            for folder in ("tmp", "new", "cur"):
                (box / folder).mkdir(parents=True)
        return box

    def deliver(self, box, text=ANN, folder="new", flags="", name=None):
        """As maildir(5) says: written in tmp/, then renamed."""
        self.number += 1
        unique = name or f"{1700000000 + self.number}.M{self.number}.host"
        octets = harness.octets_of(text)
        temporary = box / "tmp" / unique
        temporary.write_bytes(octets)
        os.utime(temporary, ns=(self.number * 10**9,) * 2)  # an order that does not depend on the clock
        final = box / folder / (unique + flags)
        temporary.rename(final)
        return final

    def wait_for(self, box, *words, status=DONE, timeout="0", **how):
        done = self.netlab("mail", "wait", "--maildir", box, "--timeout", timeout, *words, status=status, **how)
        return done

    def waiting(self, box, *words, timeout=LONG, **how):
        """A process that waits; it has looked once."""
        process = self.start("mail", "wait", "--maildir", box, "--timeout", timeout, *words, **how)
        process.until_caught()
        return process


class Present(Waiting):
    def test_messages_already_there_count(self):
        """a message that is there already, new or read, ends the wait, and its path is printed"""
        box = self.box()
        for folder, flags in (("new", ""), ("cur", ":2,S")):
            path = self.deliver(box, folder=folder, flags=flags)
            self.assertEqual(self.wait_for(box).lines, [str(path)])
            path.unlink()

    def test_timeout_0_looks_once(self):
        """--timeout 0 looks once and exits 75 without such a message, saying what is there"""
        box = self.box()
        done = self.wait_for(box, status=TRY_LATER)
        self.assertEqual((done.out, len(done.error_lines)), ("", 1))
        self.assertIn("no such message (it is empty)", done.err)
        self.deliver(box)
        done = self.wait_for(box, "--to", "zoe@example.org", status=TRY_LATER)
        self.assertIn("1 message there", done.err)

    def test_conditions(self):
        """recipients and senders of envelope and header, and the decoded subject"""
        box = self.box()
        ann, ben = self.deliver(box, ANN), self.deliver(box, BEN)
        for words, found in (
                (("--to", "ANN@example.ORG"), ann), (("--to", "team@example.org"), ann), (("--to", "ben@example.org"), ben),
                (("--to", "Ben <ben@example.org>"), None), (("--to", "@example.org", "--from", "@example.com"), ben),
                (("--from", "eve@example.net"), ann), (("--subject", "bestätigung"), ann), (("--subject", "OTHER"), ben),
                (("--to", "ann@example.org", "--to", "team@example.org"), ann),
                (("--to", "ann@example.org", "--subject", "other"), None), (("--from", "<>"), None)):
            with self.subTest(words):
                if found is None:
                    status = USAGE if words[1].startswith("Ben") else TRY_LATER
                    self.assertEqual(self.wait_for(box, *words, status=status).out, "")
                else:
                    self.assertEqual(self.wait_for(box, *words).lines, [str(found)])

    def test_newest(self):
        """of several messages the newest ones are printed, as many as wanted, in the order of their arrival"""
        box = self.box()
        paths = [str(self.deliver(box, name=f"{9 - at}.M1.host")) for at in range(5)]
        self.assertEqual(self.wait_for(box).lines, paths[-1:])
        self.assertEqual(self.wait_for(box, "--count", 3).lines, paths[-3:])

    def test_too_few(self):
        """what is there is printed although more are wanted, with 75"""
        box = self.box()
        path = self.deliver(box)
        done = self.wait_for(box, "--count", 2, status=TRY_LATER)
        self.assertEqual(done.lines, [str(path)])
        self.assertIn("1 of 2 messages", done.err)

    def test_odd_files(self):
        """directories, dangling links, FIFOs, loops, hidden files and names with controls are no messages"""
        box = self.box()
        (box / "new/directory").mkdir()
        (box / "new/dangling").symlink_to(box / "nowhere")
        (box / "new/loop").symlink_to(box / "new/loop")
        os.mkfifo(box / "new/fifo")
        (box / "new/.hidden").write_text(ANN)
        (box / "new/two\nlines").write_text(ANN)
        (box / "tmp/unfinished").write_text(ANN)
        self.wait_for(box, status=TRY_LATER)
        (box / "elsewhere").write_text(ANN)
        (box / "cur/link").symlink_to(box / "elsewhere")
        self.assertEqual(self.wait_for(box).lines, [str(box / "cur/link")])

    def test_odd_messages(self):
        """empty, NUL, no header, one line of 40 MB, a header of 3 MB: all are messages"""
        box = self.box()
        for content in (b"", b"\0\0\0", b"no header", b"x" * 40_000_000,
                        b"To: ann@example.org\n" + b"X-Long: y\n" * 300_000 + b"\nbody\n"):
            with self.subTest(content[:20]):
                path = self.deliver(box, content)
                self.assertEqual(self.wait_for(box).lines, [str(path)])
                [told] = map(json.loads, self.wait_for(box, "--json").lines)
                self.assertEqual(told["size"], len(content))
        self.assertEqual(self.wait_for(box, "--to", "ann@example.org").lines, [str(path)])

    def test_thousands(self):
        """one among five thousand messages is found"""
        box = self.box()
        for _ in range(5000):
            self.deliver(box, BEN)
        path = self.deliver(box, ANN)
        self.assertEqual(self.wait_for(box, "--to", "ann@example.org").lines, [str(path)])
        self.assertEqual(len(self.wait_for(box, "--count", 5001).lines), 5001)

    def test_relative(self):
        """a path begins with the directory as it was given"""
        box = self.box()
        path = self.deliver(box)
        for given in ("box", "./box", "box/", f"{box}//"):
            done = self.netlab("mail", "wait", "--maildir", given, "--timeout", 0, cwd=box.parent)
            self.assertEqual(done.lines, [given.rstrip("/") + str(path)[len(str(box)):]])

    def test_default_maildir(self):
        """without --maildir it is the one that mail sink delivers to"""
        home = self.scratch()
        box = home / "netlab/maildir"
        for folder in ("tmp", "new", "cur"):
            (box / folder).mkdir(parents=True)
        path = self.deliver(box)
        done = self.netlab("mail", "wait", "--timeout", 0, env={"XDG_STATE_HOME": home})
        self.assertEqual(done.lines, [str(path)])


class Arriving(Waiting):
    def test_arrives(self):
        """a message that arrives during the wait ends it; others before it do not"""
        box = self.box()
        process = self.waiting(box, "--to", "ann@example.org")
        self.deliver(box, BEN)
        path = self.deliver(box, ANN)
        done = process.wait()
        self.assertEqual((done.status, done.lines, done.err), (DONE, [str(path)], ""))

    def test_missing_directory(self):
        """a directory that appears later is waited for, whole or folder by folder"""
        box = self.box(exists=False)
        process = self.waiting(box)
        box.mkdir()
        (box / "tmp").mkdir()
        (box / "new").mkdir()
        path = self.deliver(box)
        self.assertEqual(process.wait().lines, [str(path)])

    def test_directory_is_replaced(self):
        """a Maildir that is removed and made again is the same to the wait"""
        box = self.box()
        process = self.waiting(box, "--to", "ann@example.org")
        self.deliver(box, BEN).unlink()
        for folder in ("tmp", "new", "cur"):
            (box / folder).rmdir()
        box.rmdir()
        for folder in ("tmp", "new", "cur"):
            (box / folder).mkdir(parents=True)
        path = self.deliver(box, ANN)
        self.assertEqual(process.wait().lines, [str(path)])

    def test_count(self):
        """--count waits until so many have arrived"""
        box = self.box()
        process = self.waiting(box, "--count", 3)
        paths = [str(self.deliver(box)) for _ in range(3)]
        self.assertEqual(process.wait().lines, paths)

    def test_a_reader_moves_messages(self):
        """a reader that moves each message from new to cur at once hides none, and none is counted twice"""
        box = self.box()
        process = self.waiting(box, "--count", 50)
        for number in range(50):
            path = self.deliver(box, name=f"{number}.host")
            path.rename(box / "cur" / (path.name + ":2,"))
            if number == 25:
                (box / "cur/0.host:2,").rename(box / "cur/0.host:2,RS")
        done = process.wait()
        self.assertEqual(done.status, DONE, done.err)
        self.assertEqual(len({pathlib.Path(line).name.partition(":")[0] for line in done.lines}), 50)

    def test_written_in_place(self):
        """a file that a program writes into new itself, slowly, is looked at again"""
        box = self.box()
        process = self.waiting(box, "--subject", "late")
        with open(box / "new/1.host", "wb", buffering=0) as file:
            for piece in (b"From: a@", b"example.org\nSubj", b"ect: lat", b"e\n\nbody\n"):
                file.write(piece)
                self.deliver(box, BEN)
        self.assertEqual(process.wait().lines, [str(box / "new/1.host")])

    def test_without_inotify(self):
        """without inotify, a message is found all the same"""
        refuse = harness.refusing_call(inotify_init1, errno.EMFILE)  # as without a free instance
        box = self.box()
        process = self.waiting(box, preexec=refuse)
        path = self.deliver(box)
        self.assertEqual(process.wait().lines, [str(path)])

    def test_memory(self):
        """a wait in which many messages come and go remembers only those that are there"""
        box = self.box()
        process = self.waiting(box, "--to", "ann@example.org")
        for _ in range(2000):
            self.deliver(box, BEN).unlink()
        path = self.deliver(box, ANN)
        self.assertEqual(process.wait().lines, [str(path)])

    def test_many_waiters(self):
        """twenty waits for twenty recipients each get their own message"""
        box = self.box()
        waits = [self.waiting(box, "--to", f"team{number}@example.org") for number in range(20)]
        paths = [str(self.deliver(box, f"To: team{number}@example.org\n\nx\n")) for number in range(20)]
        ends = [each.wait() for each in waits]
        self.assertEqual([(end.status, end.out, end.err) for end in ends], [(DONE, f"{path}\n", "") for path in paths])


class Failures(Waiting):
    def test_never_there(self):
        """a directory that is still missing at the end is 66, with the place to look"""
        box = self.box(exists=False)
        for timeout in ("0", "50ms"):
            done = self.wait_for(box, status=NO_INPUT, timeout=timeout)
            self.assertIn(f"maildir '{box}': it does not exist", done.err)
        box.mkdir()
        self.assertIn("neither new nor cur", self.wait_for(box, status=NO_INPUT).err)

    def test_not_a_directory(self):
        """a file in the place of the directory is 66 at once"""
        box = self.scratch() / "file"
        box.write_text("")
        done = self.wait_for(box, status=NO_INPUT, timeout=LONG)
        self.assertIn("not a directory", done.err)

    @needs_root
    def test_unreadable(self):
        """a directory that may not be read is 66 at once; a single message is skipped and named"""
        argv = self.as_nobody()
        box = self.box()
        for each in (*reversed(box.parents), box):
            if str(each).startswith(str(self.scratch())):
                each.chmod(0o755)
        for folder in ("new", "cur"):
            (box / folder).chmod(0o755)
        secret = self.deliver(box)
        secret.chmod(0o600)
        command = [*argv, "mail", "wait", "--maildir", str(box)]
        done = harness.run([*command, "--timeout", "0"])
        self.assertEqual(done.status, TRY_LATER, done.err)
        self.assertIn(f"skipped: read '{secret}': permission denied", done.err)
        self.assertIn("1 unreadable", done.err)
        (box / "new").chmod(0o700)
        done = harness.run([*command, "--timeout", LONG])
        self.assertEqual(done.status, NO_INPUT)
        self.assertIn("permission denied", done.err)

    def test_timeout(self):
        """the time limit ends with 75 and one line"""
        box = self.box()
        done = self.wait_for(box, status=TRY_LATER, timeout="50ms")
        self.assertEqual(len(done.error_lines), 1)
        self.assertIn("no such message within 50 ms", done.err)

    def test_signals(self):
        """SIGINT and SIGTERM print what is there and end with 130 and 143"""
        box = self.box()
        path = self.deliver(box)
        for number, status in ((signal.SIGINT, INTERRUPTED), (signal.SIGTERM, TERMINATED)):
            process = self.waiting(box, "--count", 2)
            done = process.stop(number)
            self.assertEqual(done.status, status, done.err)
            self.assertIn(done.lines, ([str(path)], []))  # before its first look it has nothing

    def test_signal_in_a_flood(self):
        """a signal ends it also while messages arrive without a pause"""
        box = self.box()
        process = self.waiting(box, "--to", "ann@example.org")
        stop = threading.Event()

        def flood():
            while not stop.is_set():
                self.deliver(box, BEN)

        thread = threading.Thread(target=flood)
        thread.start()
        try:
            harness.until(lambda: self.number > 200, "200 messages")
            done = process.stop(signal.SIGINT)
        finally:
            stop.set()
            thread.join()
        self.assertEqual(done.status, INTERRUPTED, done.err)

    @unsanitized
    def test_no_descriptors(self):
        """without descriptors for a directory it ends with 71, and does not wait for ever"""
        box = self.box()
        self.deliver(box)
        for limit in range(4, 11):
            with self.subTest(limit):
                process = self.start("mail", "wait", "--maildir", box, "--timeout", LONG,
                                     preexec=lambda most=limit: resource.setrlimit(resource.RLIMIT_NOFILE, (most, most)))
                done = process.wait()
                self.assertIn(done.status, (DONE, SYSTEM), done.err)

    def test_usage(self):
        """addresses, numbers and operands that make no sense are refused"""
        box = self.box()
        for words in (("--to", "ann"), ("--to", ""), ("--to", "<>"), ("--from", "a b@c"), ("--count", 0), ("--count", -1),
                      ("--timeout", "never"), ("--subject", b"\xff"), ("operand",), ("--maildir", "")):
            with self.subTest(words):
                done = harness.run([harness.NETLAB, "mail", "wait", "--maildir", str(box), "--timeout", "0",
                                    *(each if isinstance(each, bytes) else str(each) for each in words)])
                self.assertEqual((done.status, done.out), (USAGE, ""), done.err)

    def test_settings(self):
        """the configuration file and the environment give conditions, too"""
        box = self.box()
        path = self.deliver(box)
        config = self.scratch() / "config"
        config.write_text(f"[mail wait]\nmaildir = {box}\ntimeout = 0\n")
        self.assertEqual(self.netlab("mail", "wait", env={"NETLAB_CONFIG": config}).lines, [str(path)])
        self.netlab("mail", "wait", env={"NETLAB_CONFIG": config, "NETLAB_MAIL_WAIT_TO": "zoe@example.org"}, status=TRY_LATER)
        config.write_text("[mail wait]\nmailbox = x\n")
        self.netlab("mail", "wait", env={"NETLAB_CONFIG": config}, status=CONFIG)


class Json(Waiting):
    def test_parts(self):
        """--json: envelope, header and parts, decoded"""
        box = self.box()
        path = self.deliver(box, PARTS)
        [told] = map(json.loads, self.wait_for(box, "--json").lines)
        self.assertEqual((told["file"], told["subject"], told["from"], told["to"]),
                         (str(path), "parts", ["a@example.org"], ["b@example.org"]))
        self.assertEqual((told["envelope_from"], told["envelope_to"], told["size"]), (None, [], len(PARTS)))
        self.assertEqual(told["received_at"], "1970-01-01T00:00:01.000Z")
        self.assertEqual(told["message_id"], "<1@example.org>")
        self.assertEqual(told["header"][2], {"name": "Subject", "value": "parts"})
        text, file = told["parts"]
        self.assertEqual(text, {"number": "1", "type": "text/plain", "charset": "iso-8859-1", "encoding": "quoted-printable",
                                "size": 5, "text": "Grüße"})
        self.assertEqual(file, {"number": "2", "type": "application/octet-stream", "disposition": "attachment", "name": "ü.bin",
                                "encoding": "base64", "size": 3})

    def test_hostile_text(self):
        """controls, bidi overrides and invalid UTF-8 of a message do not reach the terminal as they are"""
        box = self.box()
        self.deliver(box, b"Subject: \x1b[2J\xff =?utf-8?q?=E2=80=AE?=\n\n\x1b]0;x\x07\xc2\x9b\n")
        out = self.wait_for(box, "--json").out
        for octets in ("\x1b", "\x07", "\u202e", "\x9b"):
            self.assertNotIn(octets, out)
        self.assertEqual(json.loads(out)["subject"], "\x1b[2J\ufffd \u202e")

    def test_long_text(self):
        """a text of more than a megabyte is cut in --json, and said to be"""
        box = self.box()
        self.deliver(box, "Subject: x\n\n" + "ü" * 1_000_000)
        [told] = map(json.loads, self.wait_for(box, "--json").lines)
        [part] = told["parts"]
        self.assertTrue(part["is_cut"])
        self.assertEqual(part["size"], 2_000_000)
        self.assertLessEqual(len(part["text"].encode()), 1_100_000)

    def test_huge_message(self):
        """of a message above 64 MiB only the header is read: it has no parts in --json"""
        for text, size in ((ANN, 10 * 1024**3), (PARTS, 64 * 1024**2 + 1)):
            box = self.box()
            os.truncate(self.deliver(box, text), size)
            [message] = map(json.loads, self.wait_for(box, "--json").lines)
            self.assertEqual((message["is_cut"], message["size"], len(message["parts"])), (True, size, 0))
            self.assertEqual(message["envelope_to"], ["ann@example.org"] if text is ANN else [])
            self.assertTrue(message["header"])

    def test_large_message(self):
        """a message of 64 MiB is read as a whole"""
        box = self.box()
        os.truncate(self.deliver(box, PARTS), 64 * 1024**2)
        [message] = map(json.loads, self.wait_for(box, "--json").lines)
        self.assertNotIn("is_cut", message)
        self.assertEqual([part["type"] for part in message["parts"]], ["text/plain", "application/octet-stream"])


class WithSink(Sinking):
    def test_sink(self):
        """what mail send hands to mail sink is there when mail wait ends, for the envelope's recipient"""
        server = self.sink()
        wait = self.start("mail", "wait", "--maildir", server.box, "--to", "hidden@example.org", "--timeout", LONG, "--json")
        wait.until_caught()
        self.netlab("mail", "send", "--server", f"localhost:{server.port}", "--ca-file", server.ca, "--from", "ann@example.org",
                    "--envelope-from", "bounce@example.net", "--to", "ben@example.org", "--bcc", "hidden@example.org",
                    "--subject", "Grüße", "--body", "Hello")
        done = wait.wait()
        self.assertEqual(done.status, DONE, done.err)
        told = json.loads(done.out)
        self.assertEqual((told["envelope_from"], told["subject"], told["to"]), ("bounce@example.net", "Grüße", ["ben@example.org"]))
        self.assertEqual(sorted(told["envelope_to"]), ["ben@example.org", "hidden@example.org"])
        self.assertEqual(told["parts"][0]["text"], "Hello\n")
        self.assertTrue(os.path.exists(told["file"]))


if __name__ == "__main__":
    harness.main()
