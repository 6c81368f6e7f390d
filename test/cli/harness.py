# SPDX-License-Identifier: MIT
"""The common part of the black-box tests: runs the binary under test, also as a server, with deadlines.

A test file defines Cases whose methods have a sentence as docstring, and ends in `harness.main()`. Meson passes the
binary in $NETLAB and reads TAP; by hand: NETLAB=.build/release/app/netlab test/cli/usage_test.py [Case.method ...]

Every wait ends at DEADLINE, which is generous: it is only for hangs, and the sanitizer build is slow. No test measures
time, uses a fixed port, or ends a process that it did not start.
"""

import atexit
import contextlib
import ctypes
import functools
import os
import pathlib
import platform
import pty
import random
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

__unittest = True  # unittest leaves the lines of such a module out of its tracebacks

NETLAB = os.environ.get("NETLAB") or sys.exit("NETLAB is not set: the path of the binary to be tested")


@functools.cache
def is_sanitized():
    """The sanitizers' own code needs descriptors and is slow."""
    with open(NETLAB, "rb") as binary:
        return b"__asan_init" in binary.read()


# Only what hangs takes so many seconds, also on a busy machine.
DEADLINE = float(os.environ.get("NETLAB_TEST_DEADLINE") or (180 if is_sanitized() else 60))

# as in sysexits.h, if it has a number
DONE, PARTLY, USAGE, BAD_DATA, NO_INPUT, NO_HOST, UNAVAILABLE = 0, 1, 64, 65, 66, 68, 69
BUG, SYSTEM, CANNOT_CREATE, IO, TRY_LATER, PROTOCOL, NOT_PERMITTED, CONFIG = 70, 71, 73, 74, 75, 76, 77, 78
INTERRUPTED, TERMINATED = 130, 143

# The services of `netlab lab serve`: port and transports.
LAB = {
    "echo": (7, ("tcp", "udp")),
    "discard": (9, ("tcp", "udp")),
    "daytime": (13, ("tcp", "udp")),
    "chargen": (19, ("tcp",)),
    "smtp": (25, ("tcp",)),
    "time": (37, ("tcp", "udp")),
    "submissions": (465, ("tcp",)),
    "submission": (587, ("tcp",)),
    "calc": (50000, ("tcp", "udp")),
}
LAB_MAIL = {"smtp", "submissions", "submission"}


def lab_lines(names):
    """The number of lines that `netlab lab serve` prints until it is ready, on one address."""
    return sum(len(LAB[name][1]) for name in names) + (2 if LAB_MAIL & set(names) else 0)  # its CA, its Maildir

_scratch = pathlib.Path(tempfile.mkdtemp(prefix="netlab-test-"))
_scratch.chmod(0o755)
atexit.register(shutil.rmtree, _scratch, ignore_errors=True)
_empty_home = _scratch / "home"
_empty_home.mkdir()


def environment(extra=None):
    """The caller's environment without variables that netlab reads; `extra` overrides it, None removes a variable."""
    base = {name: value for name, value in os.environ.items()
            if not name.startswith("NETLAB") and name not in ("XDG_CONFIG_HOME", "NO_COLOR")}
    base.update(HOME=str(_empty_home), LC_ALL="C", TERM="xterm")
    for name, value in (extra or {}).items():
        if value is None:
            base.pop(name, None)
        else:
            base[name] = str(value)
    return base


def until(holds, what):
    """Waits until `holds()` returns a true value, and returns it."""
    end = time.monotonic() + DEADLINE
    while not (found := holds()):
        if time.monotonic() > end:
            raise AssertionError(f"waited for {what}")
        time.sleep(0.005)
    return found


class Done:
    """The result of a program that has ended."""

    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    @property
    def lines(self):
        return self.out.splitlines()

    @property
    def error_lines(self):
        return self.err.splitlines()


def text_of(octets):
    return octets.decode("utf-8", "surrogateescape")


def octets_of(text):
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")


class Process:
    """A running program. A thread reads each of its outputs, so that it never blocks; with another `stdout`, the test
    reads that itself."""

    def __init__(self, argv, env=None, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, preexec=None, cwd=None, pass_fds=()):
        self.argv = argv
        self.child = subprocess.Popen(argv, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, cwd=cwd,
                                      env=env if env is not None else environment(), preexec_fn=preexec,
                                      pass_fds=pass_fds)
        self._changed = threading.Condition()
        self._taken = {"out": bytearray(), "err": bytearray()}
        streams = {"out": self.child.stdout, "err": self.child.stderr}
        self._open = {name for name, stream in streams.items() if stream}
        self._readers = [threading.Thread(target=self._read, args=(name, streams[name]), daemon=True) for name in self._open]
        for reader in self._readers:
            reader.start()

    def _read(self, name, stream):
        while piece := os.read(stream.fileno(), 65536):
            with self._changed:
                self._taken[name] += piece
                self._changed.notify_all()
        with self._changed:
            self._open.discard(name)
            self._changed.notify_all()

    @property
    def out(self):
        with self._changed:
            return text_of(bytes(self._taken["out"]))

    @property
    def err(self):
        with self._changed:
            return text_of(bytes(self._taken["err"]))

    def until(self, holds, what):
        """Waits until `holds(out, err)` is true for the outputs."""
        end = time.monotonic() + DEADLINE
        with self._changed:
            while True:
                out, err = (text_of(bytes(self._taken[name])) for name in ("out", "err"))
                if found := holds(out, err):
                    return found
                left = end - time.monotonic()
                if left <= 0 or not self._open:
                    raise AssertionError(f"{' '.join(self.argv)}: waited for {what}\nstdout: {out}\nstderr: {err}")
                self._changed.wait(left)

    def until_err(self, pattern):
        return self.until(lambda out, err: re.search(pattern, err), f"{pattern!r} on stderr")

    def until_out(self, pattern):
        return self.until(lambda out, err: re.search(pattern, out), f"{pattern!r} on stdout")

    def until_caught(self):
        """Waits until the program has its signal handlers (SigCgt in proc(5))."""
        wanted = 1 << (signal.SIGINT - 1) | 1 << (signal.SIGTERM - 1)

        def has_handlers():
            status = pathlib.Path(f"/proc/{self.child.pid}/status").read_text(encoding="ascii")
            return int(re.search(r"SigCgt:\s*([0-9a-f]+)", status)[1], 16) & wanted == wanted

        until(has_handlers, "signal handlers")

    def send(self, number):
        self.child.send_signal(number)

    def wait(self):
        try:
            status = self.child.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            out, err = self.out, self.err
            self.kill()
            raise AssertionError(f"{' '.join(self.argv)} did not end\nstdout: {out}\nstderr: {err}") from None
        for reader in self._readers:
            reader.join(DEADLINE)
        return Done(status, self.out, self.err)

    def stop(self, number=signal.SIGTERM):
        self.send(number)
        return self.wait()

    def kill(self):
        """For the end of a test, whatever the state of the program."""
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        for reader in self._readers:
            reader.join(DEADLINE)
        for stream in (self.child.stdin, self.child.stdout, self.child.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


class Server(Process):
    """A running `netlab ... serve`, whose ready lines were read, with its ports."""

    def __init__(self, argv, lines, **how):
        super().__init__(argv, **how)
        self.until(lambda out, err: out.count("\n") >= lines, f"{lines} ready lines")
        self.ready = self.out.splitlines()
        self.sockets = []  # (tcp or udp, address, port)
        self.named = {}    # of several services: (service, tcp or udp): port
        for line in self.ready:
            if match := re.fullmatch(r"listening (tcp|udp) (?:\[(.+)\]|([0-9.]+)):(\d+)(?: (?:starttls|tls))?(?: ([a-z]+))?", line):
                self.sockets.append((match[1], match[2] or match[3], int(match[4])))
                if match[5]:
                    self.named[match[5], match[1]] = int(match[4])

    @property
    def port(self):
        return self.sockets[0][2]

    @property
    def address(self):
        return self.sockets[0][1]

    def memory(self, name="VmRSS"):
        """A value of /proc/PID/status, in KiB."""
        status = pathlib.Path(f"/proc/{self.child.pid}/status").read_text(encoding="ascii")
        return int(re.search(rf"{name}:\s*(\d+) kB", status)[1])

    def processor_time(self):
        """CPU time of all its threads, in seconds."""
        stat = pathlib.Path(f"/proc/{self.child.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def run(argv, input=b"", env=None, stdin=None, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **how):
    """Runs a program until it ends: Done. stdin is empty unless `input` or `stdin` is given."""
    try:
        done = subprocess.run(argv, input=octets_of(input) if stdin is None else None, stdin=stdin, stdout=stdout,
                              stderr=stderr, env=env if env is not None else environment(), timeout=DEADLINE,
                              check=False, **how)
    except subprocess.TimeoutExpired as late:
        raise AssertionError(f"{' '.join(map(str, argv))} did not end\nstdout: {late.stdout}\nstderr: {late.stderr}"
                             ) from None
    return Done(done.returncode, text_of(done.stdout or b""), text_of(done.stderr or b""))


def refusing_call(numbers, error, argument=None):
    """For a child process: a system call fails with that error; only where its first argument is `argument`, if given.
    `numbers`: the call's, by machine."""
    number = numbers.get(platform.machine())
    if number is None:
        raise unittest.SkipTest(f"the number of a system call is not known for {platform.machine()}")
    load_number, load_argument = (0x20, 0, 0, 0), (0x20, 0, 0, 16)  # seccomp(2): struct seccomp_data
    fail, allow = (0x06, 0, 0, 0x00050000 | error), (0x06, 0, 0, 0x7FFF0000)
    if argument is None:
        steps = (load_number, (0x15, 0, 1, number), fail, allow)
    else:
        steps = (load_number, (0x15, 0, 3, number), load_argument, (0x15, 0, 1, argument), fail, allow)
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = ctypes.create_string_buffer(struct.pack("@HP", len(steps), ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)

    def refuse(code=code):  # the program refers to it
        if libc.prctl(38, 1, 0, 0, 0) != 0 or libc.prctl(22, 2, program, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "seccomp")

    child = os.fork()
    if child == 0:
        try:
            refuse()
            os._exit(0 if libc.syscall(number, argument or 0, 0, 0) == -1 else 1)
        except BaseException:
            os._exit(1)
    if os.waitpid(child, 0)[1] != 0:
        raise unittest.SkipTest("no filter for system calls is allowed here")
    return refuse


class Case(unittest.TestCase):
    maxDiff = None

    def netlab(self, *words, status=DONE, env=None, binary=None, **how):
        """Runs netlab until it ends; checks the exit status."""
        done = run([binary or NETLAB, *map(str, words)], env=environment(env), **how)
        if status is not None:
            self.assertEqual(done.status, status, f"netlab {' '.join(map(str, words))}\n{done.out}{done.err}")
        return done

    def start(self, *words, env=None, **how):
        """Starts netlab; it is killed at the end of the test if it still runs."""
        process = Process([NETLAB, *map(str, words)], env=environment(env), **how)
        self.addCleanup(process.kill)
        return process

    def serve(self, *words, service="calc", bind="127.0.0.1", lines=None, env=None, port=0, **how):
        """Starts a server on a free port."""
        given = list(map(str, words))
        if bind is not None:
            given += ["--bind", bind]
        if port is not None:
            given += ["--port", str(port)]
        if lines is None:
            one = any(word in given for word in ("--tcp", "--udp", "tcp", "udp"))
            lines = 1 if one else 2
        server = Server([NETLAB, service, "serve", *given], lines, env=environment(env), **how)
        self.addCleanup(server.kill)
        return server

    def serve_lab(self, *words, names=tuple(LAB), bind=None, offset=10000, env=None, **how):
        """Starts the lab's host on a random loopback address, so that its ports are free."""
        bind = bind or ".".join(map(str, (127, *(random.randrange(1, 255) for _ in range(3)))))
        given = [*map(str, words), "--bind", bind]
        if offset is not None:
            given += ["--port-offset", str(offset)]
        if LAB_MAIL & set(names) and "--state" not in given:
            given += ["--state", str(self.scratch() / "state")]
        server = Server([NETLAB, "lab", "serve", *given], lab_lines(names), env=environment(env), **how)
        self.addCleanup(server.kill)
        return server

    def program(self, *words, status=DONE, **how):
        """Runs another program until it ends; checks the exit status."""
        done = run(list(map(str, words)), **how)
        if status is not None:
            self.assertEqual(done.status, status, f"{words}\n{done.out}{done.err}")
        return done

    def background(self, *words, **how):
        """Starts another program; it is killed at the end of the test if it still runs."""
        process = Process(list(map(str, words)), **how)
        self.addCleanup(process.kill)
        return process

    def as_nobody(self):
        """The start of a command line that runs netlab as a user without any privilege; the test needs root and
        setpriv."""
        binary = self.scratch() / "netlab"
        shutil.copy(NETLAB, binary)  # the build directory may be closed to others
        argv = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs", "--bounding-set=-all",
                "--inh-caps=-all", str(binary)]
        if run([*argv, "--version"]).status != DONE:
            self.skipTest("another user cannot run a program here")
        return argv

    def needs_low_ports_kept(self):
        """Skips if everyone may listen on ports below 1024."""
        with open("/proc/sys/net/ipv4/ip_unprivileged_port_start", encoding="ascii") as limit:
            if int(limit.read()) <= 7:
                self.skipTest("ports below 1024 are free for all here")

    def shell(self, script, env=None, **how):
        """Runs a line of sh in which "$N" is the binary."""
        return run(["sh", "-c", script], env=environment({**(env or {}), "N": NETLAB}), **how)

    def assert_one_error(self, done, begins="netlab( [a-z0-9]+){0,2}", says=""):
        """Checks that there is exactly one line on stderr, in the common form, and nothing on stdout."""
        self.assertEqual(done.out, "")
        self.assertEqual(len(done.error_lines), 1, done.err)
        self.assertTrue(done.err.endswith("\n"), done.err)
        self.assertRegex(done.err, f"^{begins}: ")
        self.assertIn(says, done.err)
        self.assertFalse(done.err.rstrip("\n").endswith("."), done.err)

    def refused(self, *words, status=USAGE, says="", begins="netlab( [a-z0-9]+){0,2}", **how):
        """Runs a command that must fail with one error line."""
        done = self.netlab(*words, status=status, **how)
        self.assert_one_error(done, begins, says)
        return done

    def scratch(self):
        place = pathlib.Path(tempfile.mkdtemp(dir=_scratch))
        place.chmod(0o755)
        return place

    def tcp(self, port, host="127.0.0.1", source=None):
        peer = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.addCleanup(peer.close)
        peer.settimeout(DEADLINE)
        if source is not None:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            peer.bind(source)
        peer.connect((host, port))
        return peer

    def udp(self, host="127.0.0.1", port=0):
        peer = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(peer.close)
        peer.settimeout(DEADLINE)
        peer.bind((host, port))
        return peer

    def tcp_fake(self, talk):
        """A server whose `talk(connection)` runs for one connection after the other; returns its port."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)

        def serve():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                connection.settimeout(DEADLINE)
                with connection, contextlib.suppress(OSError):
                    talk(connection)

        threading.Thread(target=serve, daemon=True).start()
        return listener.getsockname()[1]

    def udp_fake(self, answer):
        """A server that sends each of `answer(datagram)`; returns its port."""
        peer = self.udp()

        def serve():
            while True:
                try:
                    datagram, sender = peer.recvfrom(65536)
                    for reply in answer(datagram):
                        peer.sendto(reply, sender)
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        return peer.getsockname()[1]

    def silent_port(self):
        """A TCP port that accepts and sends nothing."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        return listener.getsockname()[1]

    def closed_port(self):
        """A port number that stays closed for TCP and UDP: bound for TCP without listening, and free for UDP."""
        holder = socket.socket()
        self.addCleanup(holder.close)
        holder.bind(("127.0.0.1", 0))
        return holder.getsockname()[1]

    def on_terminal(self, *words, env=None, typed=b"", after=b""):
        """Runs netlab with a terminal as stdin, stdout and stderr: (status, all of its output).

        `typed` is typed when `after` has been seen; lists of both are handled in order."""
        stages = list(zip(typed, after)) if isinstance(typed, (list, tuple)) else [(typed, after)] if typed else []
        master, slave = pty.openpty()
        child = subprocess.Popen([NETLAB, *map(str, words)], stdin=slave, stdout=slave, stderr=slave,
                                 env=environment(env), start_new_session=True)
        os.close(slave)
        end = time.monotonic() + DEADLINE
        seen = b""
        try:
            while True:
                if stages and stages[0][1] in seen:
                    os.write(master, stages.pop(0)[0])
                ready, _, _ = select.select([master], [], [], max(0, end - time.monotonic()))
                if not ready:
                    child.kill()
                    raise AssertionError(f"netlab {words} did not end on a terminal: {seen!r}")
                try:
                    piece = os.read(master, 65536)
                except OSError:  # EIO: the last holder of the other side is gone
                    break
                if not piece:
                    break
                seen += piece
            return child.wait(DEADLINE), text_of(seen)
        finally:
            os.close(master)
            if child.poll() is None:
                child.kill()
                child.wait()


def receive(peer, size=None):
    """`size` octets, or everything until the peer closes. A reset raises ConnectionResetError."""
    taken = b""
    while size is None or len(taken) < size:
        piece = peer.recv(65536 if size is None else size - len(taken))
        if not piece:
            break
        taken += piece
    return taken


def receive_line(peer):
    taken = b""
    while not taken.endswith(b"\n"):
        octet = peer.recv(1)
        if not octet:
            break
        taken += octet
    return taken


# The calc protocol, implemented independently.

def request(ident, op, *numbers, order="!", count=None):
    name = op.encode() if isinstance(op, str) else op
    return struct.pack(f"{order}I3sB{len(numbers)}i", ident, name, len(numbers) if count is None else count, *numbers)


def answer(ident, value, order="!"):
    return struct.pack(f"{order}Ii", ident, value)


def answers(octets, order="!"):
    assert len(octets) % 8 == 0, f"{len(octets)} octets are no whole answers: {octets[-16:]!r}"
    return list(struct.iter_unpack(f"{order}Ii", octets))


@functools.cache
def has_page():
    """lab serve --web, which a build may leave out, even if its value makes no sense."""
    return "without the page" not in run([NETLAB, "lab", "serve", "--web=,"]).err


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


def trace_without_leak_check():
    """For a test file in which netlab traces netlab: the leak sanitizer uses ptrace itself, so it does not work there."""
    if is_sanitized():
        os.environ["ASAN_OPTIONS"] = ":".join([*filter(None, [os.environ.get("ASAN_OPTIONS")]), "detect_leaks=0"])


unsanitized = unittest.skipIf(is_sanitized(), "the sanitizers need descriptors, memory and stack of their own")
needs_ipv6 = unittest.skipUnless(has_ipv6(), "no IPv6 on the loopback interface")
needs_root = unittest.skipUnless(os.geteuid() == 0, "only root may do this")


def needs_program(*names):
    missing = [name for name in names if shutil.which(name) is None]
    return unittest.skipIf(missing, f"{', '.join(missing)} not installed")


def _sentence(test):
    described = test.shortDescription() if isinstance(test, unittest.TestCase) else None
    described = described or re.sub(r"^setUpClass \(.*?(\w+)\)$", r"every case of \1", str(test))
    return described.replace("#", "number ").replace("\\", "/")


def _absent_program(error):
    """The name of the program that subprocess did not find on the path, if that is the error; else None."""
    kind, raised, trace = error
    if not issubclass(kind, FileNotFoundError) or "/" in (name := str(raised.filename)):
        return None
    while trace.tb_next:
        trace = trace.tb_next
    return name if trace.tb_frame.f_code.co_filename == subprocess.__file__ else None


class _Tap(unittest.TestResult):
    """One line per case in the Test Anything Protocol; the reasons of failures go to stderr."""

    def __init__(self):
        super().__init__()
        self.number = 0

    def _tell(self, verdict, test, remark=""):
        self.number += 1
        print(f"{verdict} {self.number} - {_sentence(test)}{remark}", flush=True)

    def startTest(self, test):
        super().startTest(test)
        self._failed = self._skipped = False

    def addSuccess(self, test):
        super().addSuccess(test)
        if not self._failed:
            self._tell("ok", test)

    def _bad(self, test, error):
        if not getattr(self, "_failed", False) or not isinstance(test, unittest.TestCase):
            self._tell("not ok", test)
        self._failed = True
        print(f"\n{_sentence(test)}\n{self._exc_info_to_string(error, test)}", file=sys.stderr, flush=True)

    def addError(self, test, error):
        if program := _absent_program(error):
            self.addSkip(test, f"{program} not installed")
            return
        super().addError(test, error)
        self._bad(test, error)

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self._bad(test, error)

    def addSubTest(self, test, subtest, error):
        if error is not None and (program := _absent_program(error)):
            self.addSkip(test, f"{program} not installed")
            return
        super().addSubTest(test, subtest, error)
        if error is not None:
            print(f"\nin {str(subtest)[:200]}", file=sys.stderr)
            self._bad(test, error)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        if not getattr(self, "_skipped", False) or not isinstance(test, unittest.TestCase):  # once for all subtests
            self._tell("ok", test, f" # SKIP {reason}")
        self._skipped = True


def skip_all(reason):
    """Ends a test program that can run none of its cases."""
    print(f"1..0 # SKIP {reason}")
    sys.exit(0)


def skip_all_without(*programs):
    """Ends a test program if programs that it needs are not installed."""
    for program in programs:
        if shutil.which(program) is None:
            skip_all(f"{program} not installed")


def main():
    """Runs the cases of the calling file, or those named in the arguments."""
    module = sys.modules["__main__"]
    loader = unittest.defaultTestLoader
    suite = loader.loadTestsFromNames(sys.argv[1:], module) if sys.argv[1:] else loader.loadTestsFromModule(module)
    print("TAP version 13")
    result = _Tap()
    suite.run(result)
    print(f"1..{result.number}")
    sys.exit(0 if result.wasSuccessful() else 1)
