# SPDX-License-Identifier: MIT
"""netlab mail sink and its disk: a message that was acknowledged is stored, whatever happens, and nothing else is."""

import contextlib
import mailbox
import os
import pathlib
import resource
import shutil
import signal
import socket
import subprocess
import threading
import unittest

import harness
from mail_sinking import HELLO, Sinking, Talk

ROUNDS = 20      # of kill -9
HELD = 5000      # connections that send nothing


def may_mount():
    return shutil.which("unshare") and subprocess.run(["unshare", "-m", "sh", "-c", "mount -t tmpfs tmpfs /mnt"], check=False,
                                                      stderr=subprocess.DEVNULL).returncode == 0


def content(number, size=3000):
    """A message whose every line has its number."""
    line = f"this is message {number}\r\n"
    return f"Subject: number {number}\r\n\r\n" + line * (size // len(line) + 1)


class Killed(Sinking):
    def test_after_the_answer(self):
        """kill -9 right behind a 250, again and again: every message that was acknowledged is there, and whole"""
        box, state = self.scratch() / "box", self.scratch() / "state"
        acknowledged = []
        for round_number in range(ROUNDS):
            server = self.sink("--maildir", box, state=state, maildir=False)
            threads = []

            def bring(first):
                with contextlib.suppress(OSError):
                    peer = Talk(self, server.port)
                    peer.greet()
                    for number in range(first, first + 1000):
                        if not peer.send(content(number)).startswith("250"):
                            return
                        acknowledged.append(number)

            before = len(acknowledged)
            for thread in range(3):
                threads.append(threading.Thread(target=bring, args=((round_number * 3 + thread) * 1000,)))
                threads[-1].start()
            harness.until(lambda: len(acknowledged) >= before + 5, "five messages")
            server.child.kill()
            for thread in threads:
                thread.join(harness.DEADLINE)
        self.assertGreaterEqual(len(acknowledged), 5 * ROUNDS)
        found = {}
        for message in mailbox.Maildir(box, create=False):
            number = int(message["Subject"].split()[1])
            self.assertEqual(message.get_payload(), content(number).split("\r\n\r\n")[1].replace("\r\n", "\n"))
            found[number] = found.get(number, 0) + 1
        self.assertEqual([number for number in acknowledged if number not in found], [])
        self.assertEqual([number for number, times in found.items() if times > 1], [])

    def test_litter(self):
        """what a kill left in tmp/ goes at the start that comes 36 hours later, not before"""
        server = self.sink()
        peer = self.talk(server)
        peer.envelope()
        peer.ask("DATA")
        peer.say(("x" * 70 + "\r\n") * 1000)
        litter = pathlib.Path(server.box / "tmp", harness.until(lambda: os.listdir(server.box / "tmp"), "a file in tmp/")[0])
        server.child.kill()
        server.wait()
        for hours, stays in ((35, True), (37, False)):
            then = os.stat(litter).st_mtime - hours * 3600
            os.utime(litter, (then, then))
            again = self.sink("--maildir", server.box, state=server.state, maildir=False)
            again.stop()
            self.assertEqual(litter.exists(), stays)
            if stays:
                os.utime(litter)


@unittest.skipUnless(may_mount(), "a small disk cannot be mounted here")
class Full(Sinking):
    def small(self, size="600k"):
        """A sink whose Maildir is on a disk of this size, and the path to that directory from here."""
        place = self.scratch()
        script = f'mount -t tmpfs -o size={size} tmpfs {place} && exec "$@"'
        server = self.sink("--maildir", place / "box", maildir=False, wrap=["unshare", "-m", "sh", "-c", script, "sh"])
        return server, pathlib.Path(f"/proc/{server.child.pid}/root{place}/box")

    def test_full(self):
        """a full disk is 452, leaves nothing in tmp/, and loses nothing; when there is room again, mail goes again"""
        server, box = self.small()
        peer = self.talk(server)
        stored = 0
        while (answer := peer.send(content(stored, 40_000))).startswith("250"):
            stored += 1
        self.assertRegex(answer, r"^452 4\.3\.1 ")
        self.assertGreater(stored, 5)
        self.assertEqual((len(os.listdir(box / "new")), os.listdir(box / "tmp")), (stored, []))
        self.assertRegex(peer.send(content(0, 200_000)), r"^452 4\.3\.1 ")  # more than the sink holds in memory
        self.assertRegex(peer.ask("NOOP"), "^250")
        for each in sorted((box / "new").iterdir())[:3]:
            each.unlink()
        self.assertRegex(peer.send(content(stored, 40_000)), "^250")
        for message in mailbox.Maildir(box, create=False):
            number = int(message["Subject"].split()[1])
            self.assertEqual(message.get_payload(), content(number, 40_000).split("\r\n\r\n")[1].replace("\r\n", "\n"))
        self.assertRegex(server.err, "not stored: .*no space left on device")

    def test_client_comes_again(self):
        """netlab mail send takes the 452 for what it is: try again later"""
        server, _ = self.small("100k")
        place = self.scratch() / "big"
        place.write_text(("x" * 70 + "\n") * 3000)
        self.netlab("mail", "send", "--server", f"localhost:{server.port}", "-4", "--ca-file", server.ca, "--from", "a@example.org",
                    "--to", "b@example.org", "--body-file", place, status=harness.TRY_LATER)


class Many(Sinking):
    def test_at_once(self):
        """many connections at once: each message is there once, under a name of its own"""
        server = self.sink()
        answers = []

        def bring(first):
            peer = Talk(self, server.port)
            peer.greet()
            answers.extend(peer.send(content(number))[:3] for number in range(first, first + 25))

        threads = [threading.Thread(target=bring, args=(each * 25,)) for each in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(harness.DEADLINE)
        self.assertEqual(answers, ["250"] * 400)
        self.assertEqual(sorted(int(each["Subject"].split()[1]) for each in self.messages(server)), list(range(400)))

    def test_two_sinks(self):
        """two sinks that start at once share a state directory and a Maildir"""
        state, box = self.scratch() / "state", self.scratch() / "box"
        argv = [harness.NETLAB, "mail", "sink", "--state", str(state), "--maildir", str(box), "--port", "0", "--bind", "127.0.0.1"]
        pair = [harness.Process(argv, env=harness.environment()) for _ in range(2)]
        for server in pair:
            self.addCleanup(server.kill)
            server.until_out(r"(?s)(listening.*){2}\n")
            server.port = int(harness.re.findall(r":(\d+) starttls\n", server.out)[0])
            server.ca = state / "ca.pem"
            self.client(server).sendmail("a@example.org", "b@example.org", HELLO)
        self.assertEqual(len(os.listdir(box / "new")), 2)

    def test_held(self):
        """5,000 connections that say nothing, and a mail still gets through"""
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard != resource.RLIM_INFINITY and hard < HELD + 200:
            self.skipTest(f"only {hard} descriptors")
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (HELD + 200, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, before)
        server = self.sink("--max-clients-per-address", HELD + 1)
        with contextlib.ExitStack() as held:
            peers = [held.enter_context(socket.create_connection(("127.0.0.1", server.port), harness.DEADLINE)) for _ in range(HELD)]
            for peer in peers:
                self.assertEqual(peer.recv(4), b"220 ")
            self.client(server).sendmail("a@example.org", "b@example.org", HELLO)
            self.assertEqual(len(self.messages(server)), 1)
        self.assertRegex(self.totals(server), "over 5001 connections")

    @unittest.skipIf(harness.is_sanitized(), "the sanitizers need descriptors of their own")
    def test_descriptors(self):
        """without descriptors new peers wait; when others leave, they are served, and nothing is lost"""
        def few():
            resource.setrlimit(resource.RLIMIT_NOFILE, (48, 48))

        server = self.sink("--max-clients-per-address", "100", preexec=few)
        peers = [self.tcp(server.port) for _ in range(60)]
        server.until_err(r"accept: .* \(clients wait in the queue\)\n")
        late = Talk(self, server.port)
        for peer in peers:
            peer.close()
        self.assertRegex(late.read(), "^220 ")
        late.ask("EHLO client.example")

        def is_taken():
            # Connections in the queue come first, although they have been closed, and may use the descriptor for a
            # while.
            answer = late.send()
            self.assertRegex(answer, "^(250|45[12]) ")
            return answer.startswith("250")

        harness.until(is_taken, "a descriptor for the file")
        self.assertEqual(len(self.messages(server)), 1)

    @unittest.skipIf(harness.is_sanitized(), "the sanitizers need descriptors of their own")
    def test_no_descriptor_for_the_file(self):
        """a message for whose file there is no descriptor is refused for now, not lost"""
        server = self.sink()
        peer = self.talk(server)
        peer.envelope()
        peer.ask("DATA")
        used = len(os.listdir(f"/proc/{server.child.pid}/fd"))
        soft, hard = resource.prlimit(server.child.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(server.child.pid, resource.RLIMIT_NOFILE, (used, hard))
        peer.say(HELLO + ".\r\n")
        self.assertRegex(peer.read(), "^45[12] ")
        resource.prlimit(server.child.pid, resource.RLIMIT_NOFILE, (soft, hard))
        self.assertRegex(peer.send(), "^250")
        self.assertEqual(len(self.messages(server)), 1)


if __name__ == "__main__":
    harness.main()
