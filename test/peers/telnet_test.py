#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""inetutils-telnet against netlab calc serve: a person typing at a terminal, and a script at the end of a pipe."""

import os
import pty
import re
import select
import subprocess
import time
import unittest

import harness
from harness import Case, needs_ipv6


def is_inetutils():
    try:
        told = harness.run(["telnet", "--version"])
    except FileNotFoundError:
        return False
    return "inetutils" in told.out


class Person:
    """telnet on a terminal of its own."""

    def __init__(self, *words):
        self.master, slave = pty.openpty()
        self.child = subprocess.Popen(["telnet", *map(str, words)], stdin=slave, stdout=slave, stderr=slave,
                                      env=harness.environment(), start_new_session=True)
        os.close(slave)
        self.seen = b""

    def types(self, text):
        os.write(self.master, text.encode())

    def sees(self, pattern):
        """Waits until the screen shows this, after what was matched before."""
        end = time.monotonic() + harness.DEADLINE
        while not (found := re.search(pattern.encode(), self.seen)):
            ready, _, _ = select.select([self.master], [], [], max(0, end - time.monotonic()))
            piece = b""
            if ready:
                try:
                    piece = os.read(self.master, 4096)
                except OSError:  # EIO: telnet has ended
                    pass
            if not piece:
                raise AssertionError(f"waited for {pattern!r}, saw {self.seen!r}")
            self.seen += piece
        self.seen = self.seen[found.end():]

    def leaves(self):
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()
        os.close(self.master)


@unittest.skipUnless(is_inetutils(), "inetutils-telnet not installed")
class Telnet(Case):
    def sit_down(self, port, host="127.0.0.1"):
        person = Person(host, port)
        self.addCleanup(person.leaves)
        person.sees("Escape character is")
        return person

    def test_typing(self):
        """telnet: a person types sums, makes a mistake, asks for help, quits"""
        server = self.serve("--tcp")
        person = self.sit_down(server.port)
        for line, answer in (("SUM 1 2 3", "6"), ("pro 4 -5", "-20"), ("min 3 -7", "-7"), ("nonsense", "error: .*"), ("sum", "0"),
                             ("help", "SUM.*"), ("MAX -1 -2", "-1")):
            person.types(line + "\r")
            person.sees(rf"\n{answer}\r*\n")
        person.types("quit\r")
        person.sees("Connection closed by foreign host")
        self.assertEqual(person.child.wait(harness.DEADLINE) in (0, 1), True)

    def test_editing(self):
        """telnet: a line corrected with the backspace key"""
        person = self.sit_down(self.serve("--tcp").port)
        person.types("sum 1 9\x7f2\r")
        person.sees(r"\n3\r*\n")

    @needs_ipv6
    def test_ipv6(self):
        """telnet: the same over IPv6"""
        person = self.sit_down(self.serve("--tcp", bind="::1").port, "::1")
        person.types("sum 1 2\r")
        person.sees(r"\n3\r*\n")

    def test_two_people(self):
        """telnet: two people at once"""
        port = self.serve("--tcp", "--threads", 1).port
        one, other = self.sit_down(port), self.sit_down(port)
        one.types("sum 1 ")
        other.types("sum 3 4\r")
        other.sees(r"\n7\r*\n")
        one.types("2\r")
        one.sees(r"\n3\r*\n")

    def test_character_mode(self):
        """telnet: in character mode too, where each key is a segment"""
        person = self.sit_down(self.serve("--tcp").port)
        person.types("sum 1 1\r")  # until this is answered, telnet may not have set up the terminal yet
        person.sees(r"\n2\r*\n")
        person.types("\x1d")
        person.sees("telnet> ")
        person.types("mode character\r")
        for key in "pro 4 5\r":
            person.types(key)
        person.sees(r"20\r*\n")

    def test_negotiation(self):
        """telnet: options and commands that telnet sends before and within a line do no harm"""
        person = self.sit_down(self.serve("--tcp").port)
        person.types("sum 1 1\r")
        person.sees(r"\n2\r*\n")
        for number, command in enumerate(("send nop", "send ayt", "send do echo", "send will binary", "send ip")):
            person.types("\x1d")
            person.sees("telnet> ")
            person.types(command + "\r")
            person.sees(command + r"\r*\n")
            person.types(f"sum 400 {number}\r")
            person.sees(rf"{400 + number}\r*\n")

    def test_server_stops(self):
        """telnet: the server's end is seen as an orderly one"""
        server = self.serve("--tcp")
        person = self.sit_down(server.port)
        person.types("sum 1\r")
        person.sees(r"\n1\r*\n")
        self.assertEqual(server.stop().status, 0)
        person.sees("Connection closed by foreign host")

    def test_pipe(self):
        """telnet: fed by a pipe, as scripts do"""
        port = self.serve("--tcp").port
        reader, writer = os.pipe()
        client = self.background("telnet", "127.0.0.1", port, stdin=reader)
        os.close(reader)
        os.write(writer, b"sum 1 2 3\npro 4 5\n")
        client.until_out(r"(?s)\n6\r?\n.*20\r?\n")
        os.write(writer, b"quit\n")
        client.until_out("bye")
        os.close(writer)
        client.wait()

    def test_echo(self):
        """telnet: the echo service gives back what was typed"""
        person = self.sit_down(self.serve("--tcp", service="echo").port)
        person.types("hello\r")
        person.sees(r"hello\r*\n(?s:.*)hello")


if __name__ == "__main__":
    harness.main()
