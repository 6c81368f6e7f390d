#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""netlab sockets: which process holds which port."""

import json
import os
import platform
import re
import signal
import socket
import struct
import termios
import fcntl
import pty
import select
import subprocess
import sys
import time
import unittest

import harness
from harness import CONFIG, DEADLINE, DONE, INTERRUPTED, TERMINATED, USAGE, Case, needs_ipv6, needs_program, needs_root


class Sockets(Case):
    def rows(self, *words, **how):
        return [json.loads(line) for line in self.netlab("sockets", "--json", *words, **how).lines]

    def rows_of(self, transport, *words):
        return [json.loads(line) for line in self.netlab("sockets", *transport, "--json", *words).lines]

    def listener(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        return listener, listener.getsockname()[1]

    def test_listener(self):
        """sockets: a listener is shown with its port, its queue's size, its process"""
        _, port = self.listener()
        done = self.netlab("sockets", "--listen", "--port", port)  # the number may be in use elsewhere, too
        self.assertEqual(len(done.lines), 2, done.out)
        self.assertRegex(done.lines[0], r"^PROTO +STATE +RECV-Q +SEND-Q +LOCAL +REMOTE +PROCESS$")
        self.assertRegex(done.lines[1], rf"^tcp +listen +0 +\d+ +127\.0\.0\.1:{port} +- +.*\(pid {os.getpid()}\)$")

    def test_server_of_ours(self):
        """sockets: a netlab server's sockets, TCP and UDP, in the lab's words: which process holds which port"""
        server = self.serve("--threads", 1)
        rows = self.rows("--listen", "--port", server.port)
        self.assertEqual([(row["proto"], row["state"], row["local"]) for row in rows],
                         [("tcp", "listen", f"127.0.0.1:{server.port}"), ("udp", "unconnected", f"127.0.0.1:{server.port}")])
        for row in rows:
            self.assertEqual([(each["pid"], each["name"]) for each in row["processes"]], [(server.child.pid, "netlab")])

    def test_connection(self):
        """sockets: both ends of a connection, with what waits to be read"""
        listener, port = self.listener()
        near = self.tcp(port)
        far, _ = listener.accept()
        self.addCleanup(far.close)
        near.sendall(b"hello")
        def arrived():
            return [row for row in self.rows("--port", near.getsockname()[1])
                    if row["recv_queue"] == 5 and row["local"] == f"127.0.0.1:{port}"]
        row = harness.until(arrived, "5 octets in the queue")[0]
        self.assertEqual(row["state"], "established")
        self.assertEqual(row["local"], f"127.0.0.1:{port}")
        self.assertEqual(row["remote"], "127.0.0.1:%d" % near.getsockname()[1])
        self.assertTrue(row["congestion"])
        self.assertIn("rtt_us", row)
        self.assertEqual(row["processes"][0]["fd"], far.fileno())

    def test_timer(self):
        """sockets: a keepalive timer and the congestion control are shown with -v"""
        listener, port = self.listener()
        near = self.tcp(port)
        near.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        done = self.netlab("sockets", "-v", "--port", near.getsockname()[1])
        self.assertRegex(done.lines[0], "TIMER +CONGESTION +PROCESS$")
        self.assertRegex(done.out, r"keepalive \d")

    def test_states(self):
        """sockets: fin-wait-2 and close-wait, time-wait"""
        listener, port = self.listener()
        near = self.tcp(port)
        far, _ = listener.accept()
        near.shutdown(socket.SHUT_WR)
        number = near.getsockname()[1]
        ends = {f"127.0.0.1:{port}", f"127.0.0.1:{number}"}
        def ours():
            """Other tests may use the same port at another address."""
            return [row for row in self.rows("--port", number) if {row["local"], row["remote"]} == ends]
        def states():
            return sorted(row["state"] for row in ours())
        harness.until(lambda: states() == ["close-wait", "fin-wait-2"], "half-closed ends")
        far.close()
        near.close()
        def waits():
            return [row for row in ours() if row["state"] == "time-wait"]
        row = harness.until(waits, "time-wait")[0]
        self.assertEqual((row["inode"], row["processes"]), (0, []))
        self.assertEqual(row["timer"]["kind"], "time-wait")

    def test_transport(self):
        """sockets: tcp and --tcp, udp and --udp, both and neither"""
        server = self.serve("--threads", 1)
        for words, wanted in ((["tcp"], ["tcp"]), (["--tcp"], ["tcp"]), (["udp"], ["udp"]), (["--udp"], ["udp"]),
                              ([], ["tcp", "udp"]), (["--tcp", "--udp"], ["tcp", "udp"]), (["tcp", "udp"], ["tcp", "udp"])):
            self.assertEqual([row["proto"] for row in self.rows_of(words, "--listen", "--port", server.port)], wanted)

    @needs_ipv6
    def test_family(self):
        """sockets: -4 and -6"""
        port = self.serve("--tcp", "--threads", 1, bind="::1").port
        self.assertEqual([row["local"] for row in self.rows("-6", "--listen", "--port", port)], [f"[::1]:{port}"])
        self.assertEqual([row for row in self.rows("-4", "--listen", "--port", port) if row["local"].startswith("[")], [])
        self.refused("sockets", "-4", "-6", says="exclude each other")

    def test_connected_datagrams(self):
        """sockets: a UDP socket with a peer is connected, and no listener"""
        one = self.udp()
        one.connect(("127.0.0.1", 9))
        number = one.getsockname()[1]
        self.assertEqual([row["state"] for row in self.rows("--udp", "--port", number)], ["connected"])
        self.assertEqual(self.rows("--udp", "--listen", "--port", number), [])

    def test_port_lists(self):
        """sockets: port lists and ranges, many of them too"""
        ports = sorted(self.listener()[1] for _ in range(3))
        for words in (",".join(map(str, ports)), f"{ports[0]}-{ports[2]}", f"{ports[0]}-",
                      ",".join(f"{number}" for number in [*range(1, 600), *ports])):
            shown = [int(row["local"].rsplit(":", 1)[1]) for row in self.rows("--tcp", "--listen", "--port", words)]
            self.assertLessEqual(set(ports), set(shown))

    def test_process(self):
        """sockets: those of one process, by its number and by its name"""
        server = self.serve("--threads", 1)
        _, port = self.listener()
        self.assertEqual(len(self.rows("--process", server.child.pid)), 2)
        locals_ = [row["local"] for row in self.rows("--process", "netlab", "--listen")]
        self.assertIn(f"127.0.0.1:{server.port}", locals_)
        self.assertNotIn(f"127.0.0.1:{port}", locals_)
        self.refused("sockets", "--process", "no-such-process", status=harness.UNAVAILABLE)

    def holder(self, script):
        """A Python program that listens and prints its port; returns that port."""
        script = "import ctypes, socket, threading, time\nlibc = ctypes.CDLL(None)\n" + script
        child = self.background(sys.executable, "-c", script)
        return child, int(child.until_out(r"(?m)^(\d+)$")[1])

    def test_thread_with_own_descriptors(self):
        """sockets: the process is found by a thread whose descriptors are its own (unshare(2))"""
        child, port = self.holder("""
def listen():
    assert libc.unshare(0x400) == 0  # CLONE_FILES
    global held
    held = socket.create_server(("127.0.0.1", 0))
    print(held.getsockname()[1], flush=True)
    time.sleep(600)
threading.Thread(target=listen).start()
""")
        processes = self.rows("--listen", "--port", port)[0]["processes"]
        self.assertEqual([each["pid"] for each in processes], [child.child.pid])

    def holder_without_main_thread(self, *before):
        """A Python program whose main thread has ended, and that still listens: its number and its port."""
        if platform.machine() not in ("x86_64", "aarch64"):
            self.skipTest("the number of exit(2) is not known here")
        script = f"""
import ctypes, socket, threading, time
held = socket.create_server(("127.0.0.1", 0))
main = threading.get_native_id()
def report():
    while " Z " not in open(f"/proc/self/task/{{main}}/stat").read(): time.sleep(0.01)
    print(main, held.getsockname()[1], flush=True)
    time.sleep(600)
threading.Thread(target=report).start()
ctypes.CDLL(None).syscall({60 if platform.machine() == "x86_64" else 93}, 0)
"""
        return map(int, self.background(*before, "/usr/bin/python3", "-c", script).until_out(r"(?m)^(\d+) (\d+)$").groups())

    def test_main_thread_has_ended(self):
        """sockets: the process is found after its main thread has ended"""
        process, port = self.holder_without_main_thread()
        processes = self.rows("--listen", "--port", port)[0]["processes"]
        self.assertEqual([each["pid"] for each in processes], [process])

    @needs_root
    @needs_program("setpriv")
    def test_main_thread_has_ended_unprivileged(self):
        """sockets: without privilege, too, one's own process is found after its main thread has ended"""
        *as_nobody, netlab = self.as_nobody()
        process, port = self.holder_without_main_thread(*as_nobody)
        done = self.program(*as_nobody, netlab, "sockets", "--listen", "--port", port, "--json")
        self.assertEqual([each["pid"] for each in json.loads(done.lines[0])["processes"]], [process])

    @needs_root
    @needs_program("unshare", "mount")
    @unittest.skipIf(harness.is_sanitized(), "the sanitizers need /proc")
    def test_without_proc(self):
        """sockets: without /proc it says that the processes are not known, and refuses to look for one"""
        _, port = self.listener()
        hidden = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /proc && exec "$0" "$@"']
        if harness.run([*hidden, "true"]).status != DONE:
            self.skipTest("/proc cannot be hidden here")
        words = [*hidden, harness.NETLAB, "sockets", "--listen", "--port", port]
        done = self.program(*words)
        self.assertRegex(done.lines[1], rf"127\.0\.0\.1:{port} +- +-$")
        self.assertEqual(done.err, "the processes are unknown: /proc is not mounted\n")
        self.assertIsNone(json.loads(self.program(*words, "--json").out)["processes"])
        done = self.program(*words, "--process", "1", status=None)
        self.assertNotEqual(done.status, DONE)
        self.assert_one_error(done, says="/proc is not mounted")

    @needs_root
    @needs_program("setpriv")
    def test_hidden(self):
        """sockets: without privilege, other users' processes are hidden, and that is said; one's own are shown"""
        _, port = self.listener()
        nobody = self.as_nobody()
        done = self.program(*nobody, "sockets", "--port", port)
        self.assertRegex(done.lines[1], rf"127\.0\.0\.1:{port} +- +-$")
        self.assertRegex(done.err, r"the processes of 1 socket are hidden")
        mine = harness.Server([*nobody, "calc", "serve", "--bind", "127.0.0.1", "--port", "0", "--threads", "1"], 2)
        self.addCleanup(mine.kill)
        done = self.program(*nobody, "sockets", "--listen", "--port", mine.port)
        self.assertEqual(done.out.count(f"(pid {mine.child.pid})"), 2, done.out)
        self.assertEqual(done.err, "")

    def test_usage(self):
        """sockets: what cannot be meant"""
        for words in (["--port", "0"], ["--port", "80-22"], ["--watch", "--interval", "0"], ["extra"], ["--port", "x"]):
            self.refused("sockets", *words, status=USAGE)
        self.refused("sockets", env={"NETLAB_SOCKETS_PORT": "x"}, status=CONFIG)

    def test_full_disk(self):
        """sockets: output that cannot be written is an error"""
        with open("/dev/full", "wb") as full:
            self.netlab("sockets", stdout=full, status=harness.IO)


class Watch(Case):
    def test_pipe(self):
        """sockets --watch: in a pipe the table, then a line for each change; SIGINT ends with 130"""
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        port = listener.getsockname()[1]
        watch = self.start("sockets", "tcp", "--port", port, "--watch", "--interval", "20ms")
        watch.until_out(rf"(?m)^   tcp +listen .*127\.0\.0\.1:{port}")
        near = self.tcp(port)
        watch.until_out(rf"(?m)^\+  tcp +established .*127\.0\.0\.1:{near.getsockname()[1]}")
        near.sendall(b"x")
        watch.until_out(r"(?m)^~  tcp +established +1 ")
        far, _ = listener.accept()
        far.close()
        listener.close()
        watch.until_out(rf"(?m)^-  tcp +listen .*127\.0\.0\.1:{port}")
        done = watch.stop(signal.SIGINT)
        self.assertEqual((done.status, done.err), (INTERRUPTED, ""))

    def test_json(self):
        """sockets --watch --json: objects that say what became of a socket; SIGTERM ends with 143"""
        watch = self.start("sockets", "udp", "--watch", "--interval", "20ms", "--json", "--process", os.getpid())
        here = self.udp()
        watch.until_out(rf'"change":"(present|appeared)".*"local":"127.0.0.1:{here.getsockname()[1]}"')
        number = here.getsockname()[1]
        here.close()
        watch.until_out(rf'"change":"gone".*"local":"127.0.0.1:{number}"')
        done = watch.stop(signal.SIGTERM)
        self.assertEqual(done.status, TERMINATED)
        for line in done.lines:
            json.loads(line)

    def test_reader_leaves(self):
        """sockets --watch: a reader that goes away ends it, without an error"""
        reader, writer = os.pipe()
        child = subprocess.Popen([harness.NETLAB, "sockets", "--watch", "-q", "--interval", "20ms"], stdout=writer,
                                 stderr=subprocess.PIPE, env=harness.environment())
        os.close(writer)
        os.read(reader, 1)
        os.close(reader)
        self.assertEqual(child.communicate(timeout=DEADLINE)[1], b"")
        self.assertEqual(child.returncode, 0)

    def test_terminal(self):
        """sockets --watch: on a terminal the table is written over itself, never cleared, and fits"""
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        port = listener.getsockname()[1]
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 5, 70, 0, 0))
        child = subprocess.Popen([harness.NETLAB, "sockets", "--port", str(port), "--watch", "--interval", "20ms"],
                                 stdin=slave, stdout=slave, stderr=slave, env=harness.environment(),
                                 start_new_session=True)
        os.close(slave)
        self.addCleanup(os.close, master)
        self.addCleanup(child.kill)
        seen = b""

        def sees(pattern):
            nonlocal seen
            end = time.monotonic() + DEADLINE
            while not re.search(pattern, seen):
                ready, _, _ = select.select([master], [], [], max(0, end - time.monotonic()))
                self.assertTrue(ready, f"waited for {pattern}, saw {seen!r}")
                seen += os.read(master, 65536)

        sees(rb"listen(?s:.*)\x1b\[H(?s:.*)listen")
        peers = [self.tcp(port) for _ in range(4)]
        sees(rb"\x1b\[1m\+  tcp +established")
        sees("… \\d+ more".encode())
        child.send_signal(signal.SIGINT)
        self.assertEqual(child.wait(DEADLINE), INTERRUPTED)
        self.assertEqual(seen.count(b"\x1b[2J"), 1)
        self.assert_fits(seen, 5, 70)
        del peers

    def test_narrow_terminal(self):
        """sockets --watch: on a terminal that is narrower than the table, lines are cut"""
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 10, 23, 0, 0))
        child = subprocess.Popen([harness.NETLAB, "sockets", "--port", str(listener.getsockname()[1]), "--watch",
                                  "--interval", "20ms"], stdin=slave, stdout=slave, stderr=slave,
                                 env=harness.environment(), start_new_session=True)
        os.close(slave)
        self.addCleanup(os.close, master)
        self.addCleanup(child.kill)
        seen = b""
        while seen.count(b"\x1b[H") < 3:
            self.assertTrue(select.select([master], [], [], DEADLINE)[0], seen)
            seen += os.read(master, 65536)
        self.assertIn(b"listen", seen)
        self.assert_fits(seen, 10, 23)

    def assert_fits(self, seen, height, width):
        for screen in seen.split(b"\x1b[H")[1:-1]:
            lines = re.sub(rb"\x1b\[[0-9]*[A-Za-z]", b"", screen).decode().split("\r\n")
            self.assertLessEqual(len(lines), height, screen)
            for line in lines:
                self.assertLessEqual(len(line), width)


if __name__ == "__main__":
    harness.main()
