#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""netlab lab tour: the whole exercise with servers of its own."""

import contextlib
import ctypes
import errno
import fcntl
import json
import os
import pty
import re
import resource
import select
import signal
import socket
import struct
import subprocess
import termios
import time
import unittest

import harness
from harness import CANNOT_CREATE, INTERRUPTED, IO, TERMINATED, Case, until

harness.trace_without_leak_check()


class Tour(Case):
    told = {}

    def tour(self, *words):
        """The output of a tour. Each tour runs only once for all tests, because it takes seconds."""
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
            if not line.startswith("      "):  # observations are shown unchanged
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

    def test_mail(self):
        """tour: walks through exercise 3: the dialogue by hand over TLS, Base64 beside it, two senders"""
        text = self.tour().out
        for words in ("C: STARTTLS", "TLSv1.", "certificate verified", "C: AUTH LOGIN", "VXNlcm5hbWU6     Username:",
                      "Z2VoZWlt             geheim", "C: AUTH PLAIN ***", "Return-Path: <mallory@elsewhere.example>",
                      "From: rector@university.example", "with ESMTPSA", "signed by a CA that is not trusted"):
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
        for chapter, step in (("1", r"1\.16 "), ("2", r"2\.4 "), ("3", r"3\.1 ")):
            place = self.scratch()
            tour = self.start("lab", "tour", "--chapter", chapter, env={"TMPDIR": place})
            tour.until_out(step)
            done = tour.stop(signal.SIGINT)
            self.assertIn(done.status, (INTERRUPTED,) if chapter != "3" else (INTERRUPTED, 0), done.err)
            self.assertEqual(list(place.iterdir()), [])

    def test_questions(self):
        """tour: asks the sheet's questions as titles of steps, and answers each by what it sees"""
        asked = {each["title"] for each in map(json.loads, self.tour("--json").lines) if "held" in each}
        for question in ("Which call is responsible for each packet?",
                         "Which packet completes each blocking call?",
                         "What do the sockets look like meanwhile?",
                         "Does one recv() return one request?",
                         "How does a client find out its own address and port?",
                         "When does it get them, and where from?",
                         "How does it set them?",
                         "Why timeouts, and what error do they end in?",
                         "How does one set a timeout, for one socket and for all?",
                         "Can one server answer on one port number over TCP and UDP?",
                         "What does the wrong byte order do?",
                         "How does one stop a server that has clients?",
                         "What is the packet sequence of an open and of a closed TCP port?",
                         "What is the packet sequence of an open and of a closed UDP port?",
                         "How does a program tell silence and ICMP apart?",
                         "What does the echo service do with the client's requests?",
                         "Which TCP and UDP ports are open?",
                         "Why does a client check the certificate?",
                         "Other addresses in MAIL FROM and in From: what does one notice?"):
            self.assertIn(question, asked)

    def test_list(self):
        """tour: --list shows the titles that a tour then has, in text and in JSON, all or a chapter's"""
        shown = re.findall(r"^(\d+\.\d+ .*)$", self.tour().out, re.MULTILINE)
        listed = re.findall(r"^  (\d+\.\d+ .*)$", self.netlab("lab", "tour", "--list").out, re.MULTILINE)
        self.assertEqual(listed, shown)
        lines = [json.loads(line) for line in self.netlab("lab", "tour", "--list", "--json").lines]
        self.assertEqual([f"{each['chapter']}.{each['step']} {each['title']}" for each in lines if "step" in each], shown)
        chapters = {each["chapter"] for each in lines if "step" not in each}
        self.assertEqual(chapters, {1, 2, 3})
        second = self.netlab("lab", "tour", "--list", "--chapter", "2").out
        self.assertEqual(re.findall(r"^  (\d+\.\d+ .*)$", second, re.MULTILINE),
                         [each for each in shown if each.startswith("2.")])

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
        """tour: needs no writable directory but one for what is temporary, which it leaves as it was"""
        self.netlab("lab", "tour", "-q", "--chapter", "1", cwd="/", env={"TMPDIR": "/nonexistent"})
        place = self.scratch()
        self.netlab("lab", "tour", "-q", "--chapter", "3", cwd="/", env={"TMPDIR": place})
        self.assertEqual(list(place.iterdir()), [])
        self.refused("lab", "tour", "-q", "--chapter", "3", env={"TMPDIR": "/nonexistent"}, status=CANNOT_CREATE,
                     says="TMPDIR")

    def test_full_disk(self):
        """tour: a full disk ends with 74"""
        self.assertEqual(self.shell('"$N" lab tour --chapter 1 >/dev/full').status, IO)

    def test_closed_stdin(self):
        """tour: does not need stdin"""
        self.assertEqual(self.shell('"$N" lab tour -q --chapter 3 <&- >/dev/null').status, 0)


def forbid_recording():
    """As containers do by default: no packet socket, and no new namespace (seccomp(2))."""
    socket_call, unshare_call = {"x86_64": (41, 272), "aarch64": (198, 97)}[os.uname().machine]
    load, equal, end = 0x20, 0x15, 0x06
    refuse, allow = 0x00050000 | errno.EPERM, 0x7fff0000
    program = b"".join(struct.pack("HBBI", *each) for each in (
        (load, 0, 0, 0), (equal, 3, 0, unshare_call), (equal, 0, 3, socket_call),
        (load, 0, 0, 16), (equal, 0, 1, socket.AF_PACKET),  # the first argument
        (end, 0, 0, refuse), (end, 0, 0, allow)))
    octets = ctypes.create_string_buffer(program, len(program))
    libc = ctypes.CDLL(None, use_errno=True)
    filter_of_it = ctypes.create_string_buffer(struct.pack("@HP", len(program) // 8, ctypes.addressof(octets)))
    set_no_new_privileges, set_seccomp, mode_filter = 38, 22, 2
    if libc.prctl(set_no_new_privileges, 1, 0, 0, 0) != 0 or libc.prctl(set_seccomp, mode_filter, filter_of_it) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")


class Packets(Case):
    """The answers that need packets: a recording where that is permitted, else without."""

    CALLS = "Which call is responsible for each packet?"
    COMPLETIONS = "Which packet completes each blocking call?"
    TCP_PORTS = "What is the packet sequence of an open and of a closed TCP port?"
    UDP_PORTS = "What is the packet sequence of an open and of a closed UDP port?"
    REFUSED = "Packets cannot be recorded here: "

    def steps(self, *words, argv=None, **how):
        """title: (what is shown, what is observed), of a tour that holds."""
        argv = [*(argv or [harness.NETLAB]), "lab", "tour", "--json", *words]
        done = harness.run(list(map(str, argv)), env=harness.environment(how.pop("env", None)), **how)
        self.assertEqual((done.status, done.err), (0, ""), done.out)
        steps = {}
        for each in map(json.loads, done.lines):
            if "held" in each:
                self.assertIs(each["held"], True, each)
                shown, observed = steps.setdefault(each["title"], (each["shown"], []))
                observed.append(each["observation"])
                steps[each["title"]] = each["shown"], observed
        return steps

    def needs_recording(self, *options, argv=None):
        """Skips where netlab trace sees no packets."""
        done = harness.run([*map(str, argv or [harness.NETLAB]), "trace", "--json", *options, "--", "true"])
        if done.status != 0 or json.loads(done.lines[-1])["summary"]["packets"] is None:
            self.skipTest(done.err.strip())

    def check_recorded(self, steps, command):
        """Of chapter 1."""
        shown, observed = steps[self.CALLS]
        self.assertEqual(shown[0], f"$ {command} -- netlab lab demo calc")
        for row in (r"client > server +SYN +client's connect\(\)", r"server > client +SYN\+ACK +the server's system, since listen",
                    r"client > server +ACK +the client's system ends the handshake",
                    r"client > server +20 octets +client's send\(\)", r"server > client +8 octets +server's send\(\)",
                    r"client > server +FIN\+ACK +client's close\(\)", r"server > client +FIN\+ACK +server's close\(\)",
                    r"client > server +UDP 20 octets +client's sendto\(\)",
                    r"server > client +UDP 8 octets +server's sendto\(\)"):
            self.assertEqual(len([line for line in shown if re.search(row, line)]), 1, (row, shown))
        self.assertEqual(len(observed), 3)
        shown, observed = steps[self.COMPLETIONS]
        for row in (r"client's connect\(\) .*packet \d+, SYN\+ACK", r"server's accept\(\) .*packet \d+, ACK",
                    r"server's recv\(\) = 20 .*, 20 octets", r"client's recv\(\) = 8 .*, 8 octets",
                    r"server's recv\(\) = 0 .*, FIN\+ACK", r"server's recvfrom\(\) = 20 .*, UDP 20 octets",
                    r"client's recvfrom\(\) = 8 .*, UDP 8 octets"):
            self.assertEqual(len([line for line in shown if re.search(row, line)]), 1, (row, shown))
        self.assertEqual(len(observed), 3)

    def test_captured(self):
        """tour: each packet has its call and each call that waits its packet, where capturing is permitted"""
        try:
            socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0).close()
        except PermissionError as why:
            self.skipTest(f"capturing is not permitted: {why}")
        self.needs_recording()
        # Not by the settings of the user's own traces.
        env = {"NETLAB_TRACE_OUTPUT": "/nonexistent/file", "NETLAB_TRACE_OWN_NETWORK": "true"}
        self.check_recorded(self.steps("--chapter", "1", env=env), "netlab trace")

    def test_own_network(self):
        """tour: the same for a user without any privilege, in a network of its own"""
        argv = self.as_nobody() if os.getuid() == 0 else [harness.NETLAB]
        self.needs_recording("--own-network", argv=argv)
        self.check_recorded(self.steps("--chapter", "1", argv=argv), "netlab trace --own-network")

    def test_ports(self):
        """tour: the packets of an open and of a closed port, over TCP and UDP"""
        self.needs_recording("--own-network")
        steps = self.steps("--chapter", "2")
        text = "\n".join(steps[self.TCP_PORTS][0])
        self.assertRegex(text, r"client +> closed port +SYN +client's connect\(\)")
        self.assertRegex(text, r"closed port > client +RST\+ACK +the system: no socket listens on this port")
        self.assertRegex(text, r"client's connect\(\) ECONNREFUSED .*, RST\+ACK")
        text = "\n".join(steps[self.UDP_PORTS][0])
        self.assertRegex(text, r"server +> client +UDP 5 octets +server's sendto\(\)")
        self.assertRegex(text, r"closed port > client +ICMP port unreachable +the system")
        self.assertRegex(text, r"client's recv\(\) ECONNREFUSED .*, ICMP port unreachable")

    def test_not_permitted(self):
        """tour: where neither capturing nor a namespace is permitted it says why, and answers without packets"""
        if os.uname().machine not in ("x86_64", "aarch64"):
            self.skipTest("the numbers of this machine's system calls are not known to the test")
        for chapter, title, row in (("1", self.CALLS, r"client connect\(\) +2 +1 +SYN >, < SYN\+ACK, ACK >"),
                                    ("1", self.COMPLETIONS, "server accept.* would wait"),
                                    ("2", self.TCP_PORTS, "resets sent by this system")):
            steps = self.steps("--chapter", chapter, preexec_fn=forbid_recording)
            self.assertRegex("\n".join(steps[title][0]), row)
            self.assertNotIn("netlab trace", "\n".join(steps[title][0]))
        text = harness.run([harness.NETLAB, "lab", "tour", "--chapter", "1"], preexec_fn=forbid_recording).out
        text = " ".join(text.split())
        self.assertEqual(text.count(self.REFUSED), 1)
        self.assertIn(self.REFUSED + "capturing needs CAP_NET_RAW", text)
        self.assertRegex(text, "--own-network: [a-z ]*network namespace[a-z ]*: operation not permitted")

    @unittest.skipIf(harness.is_sanitized(), "the sanitizers need /proc")
    def test_without_proc(self):
        """tour: where nothing is mounted on /proc it says so, and answers without packets"""
        hidden = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /proc && exec "$0" "$@"']
        if harness.run([*hidden, "true"]).status != 0:
            self.skipTest("/proc cannot be hidden here")
        self.assertIn("server accept()", "\n".join(self.steps("--chapter", "1", argv=[*hidden, harness.NETLAB])[self.CALLS][0]))

    def test_interrupt(self):
        """tour: ended while packets are recorded, it leaves neither a process nor a file"""
        self.needs_recording("--own-network")
        for number, to_group in ((signal.SIGINT, False), (signal.SIGINT, True), (signal.SIGTERM, False), (signal.SIGKILL, False)):
            place = self.scratch()
            tour = self.start("lab", "tour", "--chapter", "1", env={"TMPDIR": place}, preexec=lambda: os.setpgid(0, 0))
            tour.until_out(r"1\.3 ")
            harness.until(lambda tour=tour: tour.child.poll() is not None or members(tour.child.pid) > 1, "a trace")
            if to_group:
                os.killpg(tour.child.pid, number)  # as Ctrl-C does
            else:
                tour.send(number)
            done = tour.wait()
            self.assertEqual(done.status, {signal.SIGINT: INTERRUPTED, signal.SIGTERM: TERMINATED}.get(number, -number), done.err)
            harness.until(lambda tour=tour: members(tour.child.pid) == 0, "the end of all processes")
            if number != signal.SIGKILL:
                self.assertEqual(list(place.iterdir()), [])


def members(group):
    """How many processes this process group has."""
    count = 0
    for each in os.listdir("/proc"):
        if each.isdigit():
            with contextlib.suppress(OSError):
                fields = open(f"/proc/{each}/stat", encoding="utf-8", errors="replace").read().rpartition(")")[2].split()
                count += int(fields[2]) == group and fields[0] != "Z"
    return count


class Demo(Case):
    def test_calculation(self):
        """demo: calc asks over TCP and over UDP"""
        self.assertEqual(self.netlab("lab", "demo", "calc").out, "SUM 1 2 3 over TCP: 6\nPRO 2 3 7 over UDP: 42\n")
        self.assertEqual([json.loads(line) for line in self.netlab("lab", "demo", "calc", "--json").lines],
                         [{"text": "SUM 1 2 3 over TCP: 6"}, {"text": "PRO 2 3 7 over UDP: 42"}])

    def test_ports(self):
        """demo: scan asks an open and a closed port over both transports"""
        self.assertRegex(self.netlab("lab", "demo", "scan").out,
                         r"^TCP port (\d+): connect\(\) succeeds\nTCP port (\d+): connect\(\) connection refused\n"
                         r"UDP port \1: recv\(\) returns 5 octets\nUDP port \2: recv\(\) connection refused\n$")

    def test_usage(self):
        """demo: there is no other, and one at a time"""
        for words in ((), ("mail",), ("calc", "scan")):
            self.refused("lab", "demo", *words, says="netlab lab demo calc")

    def test_stopped_midway(self):
        """demo: ended by a signal, neither side stays"""
        demo = self.start("lab", "demo", "calc", preexec=lambda: os.setpgid(0, 0))
        harness.until(lambda: demo.child.poll() is not None or members(demo.child.pid) == 2, "both sides")
        demo.stop(signal.SIGTERM)
        harness.until(lambda: members(demo.child.pid) == 0, "the end of both")


class Terminal:
    """A tour on a controlling terminal of its own, so that Ctrl-C and Ctrl-Z are signals."""

    def __init__(self, argv):
        self.master, slave = pty.openpty()
        self.before = termios.tcgetattr(slave)
        self.seen = b""

        def own():
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # SIGQUIT
            for each in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):  # ignored if the tests run in the background
                signal.signal(each, signal.SIG_DFL)
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.child = subprocess.Popen(argv, stdin=slave, stdout=slave, stderr=slave, preexec_fn=own,
                                      env=harness.environment({"N": harness.NETLAB}))
        self.slave = slave  # kept open, so that the terminal and its modes outlive the child

    def read(self, limit):
        ready, _, _ = select.select([self.master], [], [], limit)
        if ready:
            self.seen += os.read(self.master, 65536)
        return bool(ready)

    def until(self, pattern):
        """Waits until this is shown after the match of the last wait."""
        end = time.monotonic() + harness.DEADLINE
        while not (found := re.search(pattern, self.seen)):
            if not self.read(max(0, end - time.monotonic())):
                raise AssertionError(f"waited for {pattern!r}: {self.seen!r}")
        self.seen = self.seen[found.end():]
        return found

    def until_asked(self):
        """Waits for the prompt; then netlab waits for a key, and the terminal delivers it at once."""
        self.until(rb"any key: continue")
        assert not self.modes()[3] & (termios.ICANON | termios.ECHO), "no key can be pressed"

    def type(self, octets):
        os.write(self.master, octets)

    def modes(self):
        return termios.tcgetattr(self.slave)

    def wait(self):
        """The exit status, negative for a signal; all of its output is in `seen`."""
        end = time.monotonic() + harness.DEADLINE
        while self.child.poll() is None:
            assert time.monotonic() < end, f"did not end: {self.seen!r}"
            self.read(0.01)
        while self.read(0):
            pass
        return self.child.returncode

    def close(self):
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        for each in (self.master, self.slave):
            with contextlib.suppress(OSError):
                os.close(each)


class Pause(Case):
    def on_its_terminal(self, *argv):
        terminal = Terminal(argv or [harness.NETLAB, "lab", "tour", "--pause", "--chapter", "1"])
        self.addCleanup(terminal.close)
        return terminal

    def test_keys(self):
        """tour --pause: waits before each further step, for whatever key; all of them lead to the end"""
        terminal = self.on_its_terminal(harness.NETLAB, "lab", "tour", "--pause", "--chapter", "3")
        terminal.until(rb"3\.1 ")
        steps = len(self.netlab("lab", "tour", "--list", "--chapter", "3").lines) - 1
        keys = [b"\n", b" ", b"x", b"\x1b[B", b"\x1bOQ", b"\r"]
        for number in range(2, steps + 1):
            terminal.until_asked()
            self.assertNotIn(f"3.{number} ".encode(), terminal.seen)
            terminal.type(keys[number % len(keys)])
            terminal.until(rf"3\.{number} ".encode())
        self.assertEqual(terminal.wait(), 0)
        self.assertIn(b"All observations were as expected.", terminal.seen)
        self.assertEqual(terminal.modes(), terminal.before)

    def test_end(self):
        """tour --pause: q and Ctrl-D end it properly, 1 for what was left out, and the terminal is as it was"""
        for key in (b"q", b"Q", b"\x04"):
            terminal = self.on_its_terminal()
            terminal.until_asked()
            terminal.type(key)
            self.assertEqual(terminal.wait(), harness.PARTLY, terminal.seen)
            self.assertIn(b"so far were as expected", terminal.seen)
            self.assertNotIn(b"1.2 ", terminal.seen)
            self.assertEqual(terminal.modes(), terminal.before)

    def test_signals(self):
        """tour --pause: whatever signal ends it, the terminal is as it was"""
        for number, status in ((signal.SIGINT, INTERRUPTED), (signal.SIGTERM, TERMINATED),
                               (signal.SIGHUP, -signal.SIGHUP), (signal.SIGQUIT, -signal.SIGQUIT)):
            terminal = self.on_its_terminal()
            terminal.until_asked()
            terminal.child.send_signal(number)
            self.assertEqual(terminal.wait(), status, terminal.seen)
            self.assertEqual(terminal.modes(), terminal.before, number)

    def test_signals_leave_nothing(self):
        """tour: whatever signal ends it, its directory goes"""
        def own():
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # SIGQUIT
            for each in (signal.SIGHUP, signal.SIGQUIT):
                signal.signal(each, signal.SIG_DFL)

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            place = self.scratch()
            tour = self.start("lab", "tour", "--chapter", "3", env={"TMPDIR": place}, preexec=own)
            tour.until_out(r"3\.2 ")
            self.assertEqual(len(list(place.iterdir())), 1)
            tour.stop(number)
            self.assertEqual(list(place.iterdir()), [], number)

    def test_interrupt_key(self):
        """tour --pause: Ctrl-C is SIGINT, 130"""
        terminal = self.on_its_terminal()
        terminal.until_asked()
        terminal.type(b"\x03")
        self.assertEqual(terminal.wait(), INTERRUPTED)
        self.assertEqual(terminal.modes(), terminal.before)

    def test_stop(self):
        """tour --pause: Ctrl-Z gives the terminal back, and fg takes it again"""
        terminal = self.on_its_terminal("sh", "-c", """
            set -m
            "$N" lab tour --pause --chapter 1
            echo stopped; stty -a; fg; echo "ended $?"; stty -a
        """)
        terminal.until_asked()
        terminal.type(b"\x1a")
        terminal.until(rb"stopped")
        terminal.until(rb"[\s;]icanon")
        terminal.until_asked()
        terminal.type(b"q")
        terminal.until(rb"ended 1")
        terminal.until(rb"[\s;]icanon")
        self.assertEqual(terminal.wait(), 0)
        self.assertEqual(terminal.modes(), terminal.before)

    def test_hangup(self):
        """tour --pause: ends when its terminal goes"""
        terminal = self.on_its_terminal()
        terminal.until_asked()
        os.close(terminal.slave)
        os.close(terminal.master)
        until(lambda: terminal.child.poll() is not None, "the end of the tour")

    def test_json(self):
        """tour --pause: --json waits as well"""
        terminal = self.on_its_terminal(harness.NETLAB, "lab", "tour", "--pause", "--json", "--chapter", "1")
        terminal.until(rb'"step":1,')
        terminal.until_asked()
        terminal.type(b"\n")
        terminal.until(rb'"step":2,')
        terminal.until_asked()
        terminal.type(b"q")
        self.assertEqual(terminal.wait(), harness.PARTLY)

    def test_no_terminal(self):
        """tour --pause: refused where stdin is no terminal; as a setting it is then left out"""
        self.refused("lab", "tour", "--pause", says="--pause")
        self.refused("lab", "tour", "--pause", "--list", says="--list")
        self.netlab("lab", "tour", "-q", "--chapter", "3", env={"NETLAB_LAB_TOUR_PAUSE": "1"})


if __name__ == "__main__":
    harness.main()
