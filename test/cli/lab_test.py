#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""netlab lab tour: the whole exercise against a lab of its own."""

import json
import signal

import harness
from harness import INTERRUPTED, IO, Case


class Tour(Case):
    told = {}

    def tour(self, *words):
        """What a tour prints. One is enough for all who want to know: it takes seconds."""
        if words not in self.told:
            done = self.netlab("lab", "tour", *words)
            self.assertEqual(done.err, "")
            self.told[words] = done
        return self.told[words]

    def test_holds(self):
        """tour: every step held, 0, nothing on stderr"""
        done = self.tour()
        self.assertIn("[ok]", done.out)
        self.assertNotIn("FAILED", done.out)

    def test_width(self):
        """tour: its prose fits 80 columns"""
        for line in self.tour().lines:
            if not line.startswith("      "):  # what was observed is shown as it was
                self.assertLessEqual(len(line), 80, line)

    def test_exercise(self):
        """tour: walks through exercise 1: both transports, local ends, octets, many clients, one port, echo"""
        text = self.tour().out.lower()
        for word in ("tcp", "udp", "local", "connect", "recv", "timeout", "echo", "sum", "pro"):
            self.assertIn(word, text)

    def test_scan(self):
        """tour: walks through exercise 2: each state with its errors, an echo, a message, silence, both transports"""
        text = self.tour().out
        for words in ("/tcp  open ", "/tcp  closed ", "/tcp  filtered ", "/udp  open ", "/udp  closed ",
                      "/udp  open|filtered ", "not-finished", "(ECONNREFUSED, 10061)", "(ETIMEDOUT, 10060)",
                      "(ECONNREFUSED, 10054)", "syn-ack  echo", "error: unknown operation"):
            self.assertIn(words, text)

    def test_chapters(self):
        """tour: all chapters, or the one that --chapter names; there is no other"""
        def chapters(*words):
            lines = [json.loads(line) for line in self.tour("--json", *words).lines]
            return [each["chapter"] for each in lines if "held" not in each], {each["chapter"] for each in lines}

        self.assertEqual(chapters(), ([1, 2, 3], {1, 2, 3}))
        self.assertEqual(chapters("--chapter", "1"), ([1], {1}))
        self.assertEqual(chapters("--chapter", "2"), ([2], {2}))
        self.assertEqual(chapters("--chapter", "3"), ([3], {3}))
        for text in ("0", "4", "-1", "two", ""):
            self.refused("lab", "tour", "--chapter", text)

    def test_interrupt(self):
        """tour: SIGINT ends it with 130, also in the middle of a scan"""
        for chapter, step in (("1", r"1\.2 "), ("2", r"2\.4 ")):
            tour = self.start("lab", "tour", "--chapter", chapter)
            tour.until_out(step)
            done = tour.stop(signal.SIGINT)
            self.assertEqual(done.status, INTERRUPTED, done.err)

    def test_quiet(self):
        """tour: -q leaves the observations alone"""
        loud, quiet = self.tour(), self.tour("-q")
        self.assertLess(len(quiet.lines), len(loud.lines))
        self.assertEqual(quiet.out.count("[ok]"), loud.out.count("[ok]"))

    def test_json(self):
        """tour: JSON has an object for each observation, all held"""
        observations = [each for each in map(json.loads, self.tour("--json").lines) if "held" in each]
        self.assertGreater(len(observations), 5)
        for each in observations:
            self.assertIs(each["held"], True, each)
            self.assertTrue(each["observation"])

    def test_several_at_once(self):
        """tour: several at once do not disturb each other: free ports"""
        tours = [self.start("lab", "tour", "-q") for _ in range(5)]
        for tour in tours:
            done = tour.wait()
            self.assertEqual(done.status, 0, done.out + done.err)

    def test_no_file_needed(self):
        """tour: needs no writable directory"""
        self.netlab("lab", "tour", "-q", "--chapter", "1", cwd="/")

    def test_full_disk(self):
        """tour: a full disk ends with 74"""
        self.assertEqual(self.shell('"$N" lab tour --chapter 1 >/dev/full').status, IO)


if __name__ == "__main__":
    harness.main()
