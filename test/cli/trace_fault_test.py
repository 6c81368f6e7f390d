# SPDX-License-Identifier: MIT
"""netlab trace where things go wrong, or are not as usual: signals, privileges, threads, io_uring, full disks."""
import ctypes
import errno
import os
import pathlib
import platform
import pty
import shutil
import signal
import socket
import struct
import sys
import textwrap
import unittest

import harness
from harness import NOT_PERMITTED
from trace_test import PAIR, PRELUDE, Trace, TraceCase, can_capture

TRACED = os.environ.get("NETLAB_TRACED")  # traced.cpp

NUMBERS = {"x86_64": {"ptrace": 101, "seccomp": 317, "process_vm_readv": 310, "pidfd_getfd": 438},
           "aarch64": {"ptrace": 117, "seccomp": 277, "process_vm_readv": 270, "pidfd_getfd": 438}}


def forbid(name):
    """For a child before exec: this system call fails with EPERM, as in a container."""
    libc = ctypes.CDLL(None, use_errno=True)
    number = NUMBERS.get(platform.machine(), {}).get(name)

    def install():
        load, jump_if_equal, end = 0x20, 0x15, 0x06
        code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *each) for each in (
            (load, 0, 0, 0), (jump_if_equal, 0, 1, number), (end, 0, 0, 0x00050000 | errno.EPERM), (end, 0, 0, 0x7fff0000))))
        libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
        if libc.prctl(22, 2, struct.pack("HxxxxxxP", 4, ctypes.addressof(code)), 0, 0) != 0:  # PR_SET_SECCOMP
            os._exit(NOT_PERMITTED)

    return install if number else None


class Signals(TraceCase):
    # Runs its arguments in the foreground of the terminal, as a shell does; tells when they stop, and continues them.
    JOB = textwrap.dedent("""
        import os, signal, sys
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        child = os.fork()
        if child == 0:
            os.setpgid(0, 0)
            os.tcsetpgrp(0, os.getpid())
            signal.signal(signal.SIGTTOU, signal.SIG_DFL)
            os.execv(sys.argv[1], sys.argv[1:])
        while True:
            _, status = os.waitpid(child, os.WUNTRACED)
            if not os.WIFSTOPPED(status): break
            print('stopped', flush=True)
            os.kill(child if 'alone' in sys.argv else -child, signal.SIGCONT)
        print('ended', os.waitstatus_to_exitcode(status), flush=True)
    """)

    def job(self, script, *typed, words=()):
        """What a terminal shows of a traced script; after each `ready` of it something is typed."""
        pid, master = pty.fork()
        if pid == 0:
            os.execve(sys.executable, [sys.executable, "-c", self.JOB, harness.NETLAB, "trace", "--", sys.executable, "-c",
                                       script, *words], harness.environment())
        self.addCleanup(os.close, master)
        seen, left = b"", list(typed)
        try:
            while piece := os.read(master, 4096):
                seen += piece
                if left and seen.count(b"ready") > len(typed) - len(left):
                    os.write(master, left.pop(0))
        except OSError:  # the other side is closed
            pass
        os.waitpid(pid, 0)
        return harness.text_of(seen)

    def test_interrupt(self):
        """trace: Ctrl-C ends the command, or does what the command wants"""
        self.assertIn("ended 130", self.job("import signal; signal.signal(2, signal.SIG_DFL); print('ready', flush=True)\n"
                                            "signal.pause()", b"\x03"))
        seen = self.job("import signal, sys; signal.signal(2, lambda *_: sys.exit(9)); print('ready', flush=True)\n"
                        "signal.pause()", b"\x03")
        self.assertIn("ended 9", seen)

    def test_job_control(self):
        """trace: Ctrl-Z stops the command and netlab, and both go on"""
        seen = self.job("import signal, sys; signal.signal(signal.SIGCONT, lambda *_: sys.exit(9))\n"
                        "print('ready', flush=True)\nsignal.pause()", b"\x1a")
        self.assertIn("stopped", seen)
        self.assertIn("ended 9", seen)

    def test_passed_on(self):
        """trace: SIGUSR1 and SIGUSR2 to netlab are the command's, and SIGTSTP stops both until SIGCONT"""
        process = self.start("trace", "--json", "--", sys.executable, "-c", textwrap.dedent("""
            import os, signal, sys
            def tell(number, _): print('got', number, file=sys.stderr, flush=True)
            for each in (signal.SIGUSR1, signal.SIGUSR2): signal.signal(each, tell)
            print('ready', file=sys.stderr, flush=True)
            for _ in range(2): signal.pause()
            sys.exit(3)
        """))
        process.until_err("ready")
        for each in (signal.SIGUSR1, signal.SIGUSR2):
            process.send(each)
            process.until_err(f"got {int(each)}\n")
        self.assertEqual(process.wait().status, 3)
        seen = self.job("import os, signal, sys; signal.signal(signal.SIGCONT, lambda *_: sys.exit(9))\n"
                        "os.kill(os.getppid(), signal.SIGTSTP)\nsignal.pause()", words=["alone"])
        self.assertIn("stopped", seen)
        self.assertIn("ended 9", seen)

    def test_status(self):
        """trace: a command that cannot be run ends as in a shell, and each signal is 128 and its number"""
        place = self.scratch()
        for name, text, mode in (("plain", "exit 4\n", 0o644), ("unmarked", "exit 5\n", 0o755),
                                 ("orphan", "#!/no/such/interpreter\n", 0o755)):
            (place / name).write_text(text, encoding="ascii")
            (place / name).chmod(mode)
        for command, status in ((place / "plain", 126), (place / "unmarked", 5), (place / "orphan", 127), (place, 126),
                                (place / "absent", 127), (place / "plain" / "x", 126), ("absent", 127)):
            with self.subTest(command=command):
                self.netlab("trace", "-q", "--", command, status=status)
        path = os.environ["PATH"]
        self.netlab("trace", "--", "plain", status=126, env={"PATH": f"{place}:{path}"})
        self.netlab("trace", "--", "absent", status=127, env={"PATH": f"{place / 'plain'}:{path}"})
        for number in (signal.SIGHUP, signal.SIGABRT, signal.SIGFPE, signal.SIGSEGV, signal.SIGPIPE, signal.SIGALRM):
            if signal.getsignal(number) == signal.SIG_IGN and number != signal.SIGPIPE:
                continue  # under nohup(1), which the command inherits
            self.netlab("trace", "--", "sh", "-c", f"kill -{int(number)} $$", status=128 + number)


class Programs(TraceCase):
    def test_foreign_descriptors(self):
        """trace: what closes descriptors that it did not open, or that are not open, is followed all the same"""
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        ours = socket.create_connection(listener.getsockname())
        self.addCleanup(ours.close)
        theirs, _ = listener.accept()
        self.addCleanup(theirs.close)
        done = self.netlab("trace", "--json", "--", sys.executable, "-c", textwrap.dedent(f"""
            import os
            for fd in (-1, -7, 999, 10 ** 9):
                try: os.close(fd)
                except (OSError, OverflowError): pass
            os.write({ours.fileno()}, b'one')
            os.close({ours.fileno()})
            os.closerange(3, 1024)
        """), pass_fds=[ours.fileno()])
        trace = Trace(done)
        (write,), (close,) = trace.named("write"), trace.named("close")
        self.assertEqual((write["socket"], write["result"], close["socket"]), (close["socket"], 3, write["socket"]))
        self.assertEqual(theirs.recv(10), b"one")

    def test_threads_at_exit(self):
        """trace: what a process with threads leaves open is closed by its exit"""
        trace = self.trace(PRELUDE + textwrap.dedent("""
            listener = serve()
            sock = socket.create_connection(listener.getsockname())
            peer = listener.accept()[0]
            ready = threading.Barrier(4)
            def take(): ready.wait(); peer.recv(1)
            for _ in range(3): threading.Thread(target=take, daemon=True).start()
            ready.wait()
            os._exit(3)
        """), status=3)
        exit_call = trace.one("exit")
        fins = [each for each in trace.packets.values() if "FIN" in each["flags"]]
        self.assertTrue(fins)
        for each in fins:
            self.assertEqual(each["calls"], [exit_call["call"]])

    def test_edge_triggered(self):
        """trace: with edge-triggered events a wait is completed by the packet that came, and one for what had come times out"""
        trace = self.trace(PRELUDE + textwrap.dedent("""
            import select
            listener = serve()
            events = select.epoll()
            sock = socket.create_connection(listener.getsockname())
            peer = listener.accept()[0]
            peer.setblocking(False)
            events.register(peer.fileno(), select.EPOLLIN | select.EPOLLET)
            def send(): sock.sendall(b'hello')
            thread = threading.Timer(0.1, send); thread.start()
            assert events.poll()
            assert peer.recv(2) == b'he'
            assert not events.poll(0.01)
            assert peer.recv(9) == b'llo'
            try: peer.recv(9)
            except BlockingIOError: pass
            thread.join()
        """))
        first, second = trace.named("epoll_wait", "epoll_pwait")
        self.assertIn("EPOLLET", trace.one("epoll_ctl")["arguments"])
        (data,) = [each for each in trace.packets.values() if each["octets"]]
        if first["completion"] == "packet":  # else the machine was so slow that it had come
            self.assertEqual(first["completed_by"], data["packet"])
        self.assertEqual(second["completion"], "timed-out")
        self.assertIsNone(second["line"])
        reads = [each for each in trace.named("recvfrom") if each["fd"] == first["fd"] or each["result"]]
        self.assertEqual([each["received"] for each in reads][:2], [[data["packet"]]] * 2)
        self.assertEqual(trace.named("recvfrom")[-1]["error"], "EAGAIN")

    def test_io_uring(self):
        """trace: of a program that uses io_uring it is said, and its packets are shown"""
        if not TRACED:
            self.skipTest("NETLAB_TRACED is not set")
        for made in ("created", None):
            with self.subTest(made=made):
                words = [TRACED, "io_uring", "PORT", *([made] if made else [])]
                done, trace = self.with_server(words, """
                    peer = listener.accept()[0]
                    assert peer.recv(9) == b'hello'
                    peer.sendall(b'answer')
                    peer.close()
                """)
                self.assertRegex(done.err, r"process \d+ uses io_uring: its io_uring operations are not shown, only their packets")
                (data,) = [each for each in trace.packets.values() if each["octets"] == 5]
                self.assertEqual((data["sender"], data["role"], data["calls"]), ("traced", "call", []))
                syn = trace.with_flags("SYN")[0]
                self.assertEqual((syn["sender"], syn["role"], syn["calls"]), ("traced", "call", []))
        _, trace = self.with_server([TRACED, "datagrams", "PORT"], "", "socket.SOCK_DGRAM")
        (datagram,) = [each for each in trace.packets.values() if each["proto"] == "udp"]
        self.assertEqual((datagram["sender"], datagram["role"], datagram["octets"]), ("traced", "call", 5))

    def with_server(self, words, talk, kind="socket.SOCK_STREAM"):
        """Runs a program, which PORT among its arguments leads to a server beside it in the same trace."""
        script = PRELUDE + textwrap.dedent(f"""
            listener = socket.socket(type={kind})
            listener.bind(('127.0.0.1', 0))
            if {kind} == socket.SOCK_STREAM: listener.listen(1)
            port = str(listener.getsockname()[1])
            words = [port if each == 'PORT' else each for each in {list(map(str, words))!r}]
            child = os.posix_spawn(words[0], words, os.environ)
        """) + textwrap.dedent(talk) + "sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
        options = [] if can_capture() else ["--own-network"]
        done = self.netlab("trace", "--json", *options, "--", sys.executable, "-c", script, status=None)
        if done.status == NOT_PERMITTED:
            self.skipTest(done.err.strip() or "io_uring is not allowed here")
        self.assertEqual(done.status, 0, done.err)
        return done, Trace(done)

    def test_many_packets(self):
        """trace: of 20,000 datagrams sent at once none is lost, and each has its call"""
        trace = self.trace(PRELUDE + textwrap.dedent("""
            one, other = (socket.socket(type=socket.SOCK_DGRAM) for _ in range(2))
            one.bind(('127.0.0.1', 0))
            other.connect(one.getsockname())
            for _ in range(20000): other.send(b'x')
        """))
        self.assertEqual((trace.summary["packets"], trace.summary["dropped"]), (20000, 0))
        self.assertEqual(len({call for each in trace.packets.values() for call in each["calls"]}), 20000)

    def test_full_ring(self):
        """trace: where packets come faster than they are read, it is said how many were lost"""
        if not can_capture():
            self.skipTest("needs CAP_NET_RAW")
        process = self.start("trace", "--json", "--", sys.executable, "-c", textwrap.dedent("""
            import signal, socket, sys
            sock = socket.socket(type=socket.SOCK_DGRAM)
            sock.bind(('127.0.0.1', 0))
            print('at', sock.getsockname()[1], file=sys.stderr, flush=True)
            signal.signal(signal.SIGUSR1, lambda *_: sys.exit(0))
            signal.pause()
        """))
        port = int(process.until_err(r"at (\d+)\n")[1])
        process.send(signal.SIGSTOP)  # so that nobody reads the ring
        harness.until(lambda: pathlib.Path(f"/proc/{process.child.pid}/stat").read_text(encoding="ascii")
                      .rpartition(")")[2].split()[0] == "T", "the stop")
        sender = self.udp()
        for _ in range(60000):  # each takes more than 192 octets of 8 MiB
            sender.sendto(bytes(200), ("127.0.0.1", port))
        process.send(signal.SIGCONT)
        trace = Trace(process.stop(signal.SIGUSR1))
        self.assertGreater(trace.summary["dropped"], 0)
        self.assertGreater(trace.summary["packets"], 0)


class Disks(TraceCase):
    def test_both_full(self):
        """trace: of two files that cannot be written both are told, and the command runs all the same"""
        mark = self.scratch() / "mark"
        done = self.netlab("trace", "-q", "--html", "/dev/full", "--", "touch", mark, status=harness.IO)
        self.assertIn("netlab trace: write /dev/full: no space left on device", done.error_lines)
        self.assertTrue(mark.exists())
        done = self.netlab("trace", "-q", "--html", "/dev/full", "-o", "/dev/full", "--", "true", status=harness.IO)
        self.assertEqual(done.error_lines.count("netlab trace: write /dev/full: no space left on device"), 2)

    def test_no_room_for_own_files(self):
        """trace: without room in TMPDIR the command is traced, and what is missing is said"""
        port = self.closed_port()
        done = self.netlab("trace", "--json", "--", sys.executable, "-c",
                           f"import socket; socket.socket().connect_ex(('127.0.0.1', {port}))",
                           env={"TMPDIR": "/proc"})
        self.assertIn("lines of Python programs and TLS secrets are missing", done.err)
        connect = Trace(done).one("connect")
        self.assertEqual((connect["error"], connect["line"]), ("ECONNREFUSED", None))


class Privileges(TraceCase):
    @harness.needs_root
    def test_set_uid(self):
        """trace: a set-uid program is traced without its privilege, and it is said; not to root"""
        place = self.scratch()
        program = place / "true"
        shutil.copy(shutil.which("true"), program)
        nobody = self.as_nobody()
        program.chmod(0o4755)
        says = r"process \d+ is set-uid or set-gid, and does not get that privilege under a tracer \(trace it as root\)"
        done = self.program(*nobody, "trace", "--", program)
        self.assertRegex(done.err, says)
        os.chown(program, 65534, 65534)
        program.chmod(0o4755)
        self.assertNotRegex(self.netlab("trace", "--", program).err, says)

    @harness.needs_root
    def test_file_capabilities(self):
        """trace: likewise of a program with file capabilities"""
        program = self.scratch() / "true"
        shutil.copy(shutil.which("true"), program)
        program.chmod(0o755)
        try:  # CAP_NET_RAW, effective
            os.setxattr(program, "security.capability", struct.pack("<5I", 0x02000001, 1 << 13, 0, 0, 0))
        except OSError as error:
            self.skipTest(f"file capabilities: {error.strerror}")
        netlab = self.as_nobody()[-1]
        done = self.program("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", netlab, "trace",
                            "--", program, status=None)
        if done.status == 126:
            self.skipTest("no program may have CAP_NET_RAW here")
        self.assertRegex(done.err, r"process \d+ has file capabilities, and does not get that privilege")

    @harness.needs_root
    def test_hidden_directory(self):
        """trace: a command in a directory that may not be searched is not found, as in a shell"""
        place = self.scratch()
        nobody = self.as_nobody()
        place.chmod(0o700)
        self.program(*nobody, "trace", "--", "absent", status=127, env=harness.environment({"PATH": f"{place}:/usr/bin:/bin"}))

    def without(self, name, *words, status=None, options=()):
        install = forbid(name)
        if install is None:
            self.skipTest(f"the number of {name} on {platform.machine()} is not known here")
        done = self.netlab("trace", "--json", *options, "--", *words, status=None, preexec_fn=install)
        if done.status == NOT_PERMITTED and not done.err:
            self.skipTest("no seccomp filter is allowed here")
        if status is not None:
            self.assertEqual(done.status, status, done.err)
        return done

    @unittest.skipIf(harness.is_sanitized(), "the leak sanitizer needs ptrace")
    def test_ptrace_forbidden(self):
        """trace: where ptrace or seccomp is forbidden, one line says so, with the cure"""
        for name, says in (("ptrace", "ptrace is forbidden here (in a container: --cap-add=SYS_PTRACE or a seccomp profile "
                                      "that lets ptrace through)"),
                           ("seccomp", "seccomp filters are forbidden here: operation not permitted (in a container: a "
                                       "seccomp profile that lets seccomp through)")):
            mark = self.scratch() / "mark"
            done = self.without(name, "touch", mark, status=NOT_PERMITTED)
            self.assertEqual(done.error_lines[-1], f"netlab trace: start the trace: {says}")
            self.assertEqual(len([each for each in done.error_lines if "own-network" not in each]), 1, done.err)
            self.assertFalse(mark.exists())

    def test_pidfd_forbidden(self):
        """trace: what a container forbids beside ptrace has another way"""
        for name in ("pidfd_getfd", "process_vm_readv"):
            with self.subTest(forbidden=name):
                done = self.without(name, sys.executable, "-c", PAIR, status=0)
                trace = Trace(done)
                self.assertEqual([each["kind"] for each in trace.calls.values()].count("send"), 2)
                self.assertEqual(trace.one("connect")["result"], 0)
                self.assertRegex(trace.one("connect")["arguments"], r"^127\.0\.0\.1:\d+$")
                if not can_capture():
                    continue
                self.check_segments(trace)
                self.assertEqual(trace.with_flags("SYN")[0]["calls"], [trace.one("connect")["call"]])
                fins = [each for each in trace.packets.values() if "FIN" in each["flags"]]
                self.assertEqual([trace.calls[call]["kind"] for fin in fins for call in fin["calls"]], ["close", "close"])

    def test_own_network_without_pidfd(self):
        """trace: --own-network captures packets also where pidfd_getfd is forbidden"""
        done = self.without("pidfd_getfd", sys.executable, "-c", PAIR, options=["--own-network"])
        if done.status == NOT_PERMITTED and "cannot create a network namespace" in done.err:
            self.skipTest(done.err.strip())
        self.assertEqual(done.status, 0, done.err)
        self.check_segments(Trace(done))


if __name__ == "__main__":
    harness.main()
