# SPDX-License-Identifier: MIT
"""netlab trace: which call sent which packet, and which packet a call waited for."""
import json
import os
import signal
import socket
import sys

import harness
from harness import Case, USAGE

PRELUDE = """
import os, socket, struct, sys, threading, time
def serve(*, port=0, backlog=8):
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(('127.0.0.1', port))
    made.listen(backlog)
    return made
"""

# The client and server of the lab's first exercise, in one process tree; a pipe passes the port.
PAIR = PRELUDE + """
reader, writer = os.pipe()
if os.fork() == 0:
    port = int(os.read(reader, 10))
    sock = socket.socket()
    sock.connect(('127.0.0.1', port))
    sock.send(struct.pack('!I3sB3i', 7, b'SUM', 3, 1, 2, 3))
    answer = sock.recv(1024)
    sock.close()
    os._exit(0)
listener = serve()
os.write(writer, str(listener.getsockname()[1]).encode())
connection, peer = listener.accept()
request = connection.recv(1024)
connection.send(struct.pack('!Ii', 7, 6))
assert connection.recv(1) == b''
connection.close()
os.wait()
"""


def can_capture():
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0).close()
    except OSError:
        return False
    return True


class Trace:
    """The objects of --json, by kind."""

    def __init__(self, done):
        objects = [json.loads(line) for line in done.lines]
        self.processes = [each for each in objects if "process" in each and "call" not in each]
        self.calls = {each["call"]: each for each in objects if "call" in each}
        self.packets = {each["packet"]: each for each in objects if "packet" in each}
        self.summary = objects[-1]["summary"]

    def named(self, *names):
        return [each for each in self.calls.values() if each["name"] in names]

    def one(self, name):
        found = self.named(name)
        assert len(found) == 1, (name, found)
        return found[0]

    def with_flags(self, *flags):
        return [each for each in self.packets.values() if each.get("flags") == list(flags)]


class TraceCase(Case):
    def trace(self, script, *options, status=0, **how):
        """Runs a Python script under trace and returns its objects; in a network of its own if nothing else is
        permitted."""
        words = ["trace", "--json", *options]
        if not can_capture() and "--own-network" not in words:
            words.append("--own-network")
        done = self.netlab(*words, "--", sys.executable, "-c", script, status=None, **how)
        if done.status == harness.NOT_PERMITTED:
            self.skipTest(done.err.strip())
        self.assertEqual(done.status, status, done.out + done.err)
        trace = Trace(done)
        self.assertEqual(trace.summary["packets"], len(trace.packets))
        self.assertEqual(sorted(trace.packets), list(range(1, len(trace.packets) + 1)))
        return trace

    def check_segments(self, trace):
        """Checks that each segment with octets has its calls, and that all octets that were sent reached a call."""
        for packet in trace.packets.values():
            if packet["octets"] and packet["proto"] in ("tcp", "udp") and not packet["retransmission"]:
                self.assertTrue(packet["calls"], packet)
                for each in packet["calls"]:
                    self.assertEqual(trace.calls[each]["kind"], "send", packet)
                self.assertTrue(packet["delivered_to"], packet)
                for each in packet["delivered_to"]:
                    self.assertEqual(trace.calls[each]["kind"], "receive", packet)


class Exercise(TraceCase):
    def test_calculation(self):
        """trace: each packet of the calculation has its call, and each call that waits its packet"""
        trace = self.trace(PAIR)
        connect, listen, accept = trace.one("connect"), trace.one("listen"), trace.one("accept4")
        (syn,), (syn_ack,) = trace.with_flags("SYN"), trace.with_flags("SYN", "ACK")
        self.assertEqual(syn["calls"], [connect["call"]])
        self.assertEqual((syn_ack["role"], syn_ack["calls"]), ("handshake", [listen["call"]]))
        self.assertEqual(connect["completed_by"], syn_ack["packet"])
        self.assertEqual(syn_ack["completes"], [connect["call"]])
        ack = trace.packets[syn_ack["packet"] + 1]
        self.assertEqual((ack["role"], ack["flags"]), ("handshake", ["ACK"]))
        if accept["completion"] == "packet":
            self.assertEqual(accept["completed_by"], ack["packet"])
        self.assertIn(accept["call"], ack["delivered_to"])
        self.check_segments(trace)
        fins = [each for each in trace.packets.values() if "FIN" in each.get("flags", [])]
        self.assertEqual([trace.calls[call]["kind"] for fin in fins for call in fin["calls"]], ["close", "close"])
        end = [each for each in trace.named("recvfrom") if each["result"] == 0]
        self.assertEqual(end[0]["received"], [fins[0]["packet"]])
        self.assertTrue(all(each["role"] != "unknown" for each in trace.packets.values()))

    def test_text(self):
        """trace: the timeline says it in words"""
        options = [] if can_capture() else ["--own-network"]
        done = self.netlab("trace", *options, "--", sys.executable, "-c", PAIR, status=None)
        if done.status == harness.NOT_PERMITTED:
            self.skipTest(done.err.strip())
        self.assertRegex(done.out, r"#\d+ connect\(\d+, 127\.0\.0\.1:\d+\) …")
        self.assertRegex(done.out, r"SYN; sent by #\d+ connect")
        self.assertRegex(done.out, r"SYN\+ACK; kernel: the port listens since #\d+ listen; completes #\d+ connect")
        self.assertRegex(done.out, r"after .*, completed by packet 2")
        self.assertRegex(done.lines[-1], r"^\d+ calls, \d+ packets$")
        self.assertNotIn("setsockopt", done.out)

    def test_refused(self):
        """trace: the reset of a closed port completes the connect"""
        port = self.closed_port()
        trace = self.trace(f"import socket; socket.socket().connect_ex(('127.0.0.1', {port}))")
        connect = trace.one("connect")
        reset = trace.packets[connect["completed_by"]]
        self.assertEqual((connect["error"], reset["role"]), ("ECONNREFUSED", "reset"))
        self.assertEqual(reset["reason"], "no socket listens on this port")

    def test_datagrams(self):
        """trace: datagrams go one to one; an ICMP error completes the call that reports it"""
        port = self.closed_port()
        trace = self.trace(PRELUDE + f"""
one, other = (socket.socket(type=socket.SOCK_DGRAM) for _ in range(2))
one.bind(('127.0.0.1', 0))
def answer():
    for _ in range(5):
        octets, peer = one.recvfrom(100)
        one.sendto(octets, peer)
thread = threading.Thread(target=answer)
thread.start()
for length in (1, 5, 5, 0, 90):
    other.sendto(bytes(length), one.getsockname())
    assert len(other.recv(100)) == length
thread.join()
other.connect(('127.0.0.1', {port}))
other.send(b'x')
try: other.recv(10)
except ConnectionRefusedError: pass
""")
        udp = [each for each in trace.packets.values() if each["proto"] == "udp"]
        self.assertEqual([each["octets"] for each in udp], [1, 1, 5, 5, 5, 5, 0, 0, 90, 90, 1])
        self.assertEqual(len({call for each in udp for call in each["calls"]}), len(udp))
        for each in udp[:-1]:
            self.assertEqual((len(each["calls"]), len(each["delivered_to"])), (1, 1), each)
        (error,) = [each for each in trace.packets.values() if each["proto"] == "icmp"]
        (refused,) = [each for each in trace.calls.values() if each["error"] == "ECONNREFUSED"]
        self.assertEqual(refused["received"], [error["packet"]])


class Programs(TraceCase):
    def test_threads(self):
        """trace: a threaded server with three clients, each segment with its call"""
        trace = self.trace(PRELUDE + """
listener = serve()
def answer(connection):
    while octets := connection.recv(100): connection.sendall(octets)
    connection.close()
def accept():
    for _ in range(3): threading.Thread(target=answer, args=(listener.accept()[0],)).start()
def ask(number):
    sock = socket.create_connection(listener.getsockname())
    for each in range(20):
        sock.sendall(bytes(each + number * 20 + 1))
        left = each + number * 20 + 1
        while left: left -= len(sock.recv(left))
    sock.close()
threads = [threading.Thread(target=accept)] + [threading.Thread(target=ask, args=(n,)) for n in range(3)]
for each in threads: each.start()
for each in threads: each.join()
""")
        self.assertEqual(len(trace.with_flags("SYN")), 3)
        for syn in trace.with_flags("SYN"):
            self.assertEqual(len(syn["calls"]), 1, syn)
        self.assertEqual(len({call for syn in trace.with_flags("SYN") for call in syn["calls"]}), 3)
        self.check_segments(trace)

    def test_asyncio(self):
        """trace: an asyncio pair: non-blocking sockets, epoll is what waits"""
        trace = self.trace(PRELUDE + """
import asyncio
async def answer(reader, writer):
    writer.write(await reader.readline()); await writer.drain(); writer.close()
    done.set_result(None)
async def server():
    global done
    done = asyncio.get_running_loop().create_future()
    async with await asyncio.start_server(answer, sock=listener): await done
async def client():
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    writer.write(b'hello\\n')
    assert await reader.readline() == b'hello\\n'
    writer.close()
listener = serve()
child = os.fork()
asyncio.run(client() if child else server())
if child: os.wait()
""")
        self.assertEqual(trace.one("connect")["error"], "EINPROGRESS")
        self.assertEqual(trace.with_flags("SYN")[0]["calls"], [trace.one("connect")["call"]])
        waits = [each for each in trace.calls.values() if each["kind"] == "wait"]
        self.assertTrue(any(each["completion"] == "packet" for each in waits), waits)
        self.check_segments(trace)

    def test_coalesced(self):
        """trace: many small sends in few segments, and one large one in many"""
        trace = self.trace(PRELUDE + """
listener = serve()
sock = socket.create_connection(listener.getsockname())
peer = listener.accept()[0]
sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
for _ in range(300): sock.send(bytes(7))
sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
left = 2100
while left: left -= len(peer.recv(left))
def take():
    left = 3000000
    while left: left -= len(peer.recv(50000))
thread = threading.Thread(target=take); thread.start()
sock.sendall(bytes(3000000)); thread.join()
""")
        self.check_segments(trace)
        data = [each for each in trace.packets.values() if each["octets"]]
        self.assertTrue(any(len(each["calls"]) > 10 for each in data))
        large = max(trace.named("sendto"), key=lambda each: each["result"])
        self.assertGreater(sum(large["call"] in each["calls"] for each in data), 10)
        self.assertEqual(sum(each["octets"] for each in data if not each["retransmission"]), 3002100)

    def test_identity(self):
        """trace: a socket keeps its identity over dup, fork and exec; plain read and write count"""
        trace = self.trace(PRELUDE + f"""
listener = serve()
sock = socket.create_connection(listener.getsockname())
peer = listener.accept()[0]
copy = os.dup(sock.fileno())
os.write(copy, b'one')
if os.fork() == 0:
    os.set_inheritable(copy, True)
    os.execv({sys.executable!r}, [{sys.executable!r}, '-c', 'import os; os.write(%d, b"two!")' % copy])
os.wait()
assert os.read(peer.fileno(), 3) == b'one' and os.read(peer.fileno(), 4) == b'two!'
""")
        writes = trace.named("write")
        self.assertEqual([each["result"] for each in writes], [3, 4])
        self.assertEqual(len({each["socket"] for each in writes}), 1)
        self.assertEqual(len({each["process"] for each in writes}), 2)
        self.check_segments(trace)

    def test_many_children(self):
        """trace: a hundred children, each with a connection"""
        trace = self.trace(PRELUDE + """
listener = serve(backlog=128)
for _ in range(100):
    if os.fork() == 0:
        sock = socket.create_connection(listener.getsockname()); sock.sendall(b'x'); os._exit(0)
for _ in range(100):
    peer = listener.accept()[0]; assert peer.recv(2) == b'x'; peer.close()
for _ in range(100): os.wait()
""")
        self.assertEqual(len(trace.with_flags("SYN")), 100)
        self.assertEqual(len({call for each in trace.with_flags("SYN") for call in each["calls"]}), 100)
        self.check_segments(trace)
        exits = {each["call"] for each in trace.named("exit")}
        fins = [each for each in trace.packets.values() if "FIN" in each.get("flags", []) and set(each["calls"]) & exits]
        self.assertGreaterEqual(len(fins), 100)


class Step(Case):
    def test_step(self):
        """trace --step: before each call on a socket it stops, shows line and sockets; what it caused follows"""
        script = self.scratch() / "client.py"
        script.write_text("import socket\nsock = socket.create_server(('127.0.0.1', 0))\n"
                          "peer = socket.create_connection(sock.getsockname())\nsock.close()\n", encoding="utf-8")
        # socket, setsockopt, bind, listen; then to connect; then without a stop
        status, seen = self.on_terminal("trace", "--step", "--", sys.executable, script, typed=b"\n\n\n\nb\nr\n",
                                        after=b"quit")
        self.assertEqual(status, 0, seen)
        self.assertIn("-> client.py: socket(AF_INET", seen)
        self.assertRegex(seen, r"\[client\.py:2  sock = socket\.create_server")
        self.assertRegex(seen, r"-> client\.py: connect\(")
        self.assertRegex(seen, r"tcp +listen")
        self.assertNotRegex(seen, r"-> client\.py: close\(")

    def test_end(self):
        """trace --step: quit asks whether the program shall end, and ends it"""
        status, seen = self.on_terminal("trace", "--step", "--", sys.executable, "-c",
                                        "import socket, time; socket.socket(); time.sleep(1000)", typed=b"q\ne\n",
                                        after=b"quit")
        self.assertEqual(status, 128 + signal.SIGTERM, seen)

    def test_no_terminal(self):
        """trace --step: without a terminal it is refused"""
        done = self.program("setsid", "--wait", harness.NETLAB, "trace", "--step", "--", "true", status=USAGE)
        self.assertIn("--step needs a terminal", done.err)
        self.refused("trace", "--step", "--json", "--", "true", says="--step needs stdout")


class Endings(TraceCase):
    def test_status(self):
        """trace: the exit status is the command's, 128+n for a signal, 127 and 126 for one that cannot be run"""
        self.netlab("trace", "--", "sh", "-c", "exit 3", status=3)
        self.netlab("trace", "--", "sh", "-c", "kill -KILL $$", status=128 + signal.SIGKILL)
        self.netlab("trace", "--", "sh", "-c", "kill -TERM $$", status=128 + signal.SIGTERM)
        done = self.netlab("trace", "--", "no-such-command", status=127)
        # Without privilege, a line about packets comes first.
        self.assertEqual(done.error_lines[-1], "netlab trace: no-such-command: no such file or directory")
        self.netlab("trace", "--", "/dev/null", status=126)
        self.refused("trace", status=USAGE, says="the command to trace is missing")

    def test_full_disk(self):
        """trace: a file that cannot be written is an error, and the command runs all the same"""
        mark = self.scratch() / "mark"
        done = self.netlab("trace", "-q", "-o", "/dev/full", "--", "touch", mark, status=harness.IO)
        self.assertIn("write /dev/full", done.err)
        self.assertTrue(mark.exists())
        self.refused("trace", "-o", "/nonexistent/x", "--", "touch", mark, status=harness.CANNOT_CREATE)
        self.refused("trace", "-o", "-", "--json", "--", "true", says="only one")

    @harness.needs_program("strace")
    def test_traced_already(self):
        """trace: under another tracer it says so"""
        done = self.program("strace", "-f", "-o", "/dev/null", harness.NETLAB, "trace", "--", "true", status=None)
        if done.status not in (harness.NOT_PERMITTED, 0):
            self.skipTest("strace may not trace here")
        self.assertEqual(done.status, harness.NOT_PERMITTED, done.err)
        self.assertRegex(done.err, r"netlab is already traced by process \d+")

    def test_posix_spawn(self):
        """trace: what a child of vfork and exec does is seen"""
        port = self.closed_port()
        trace = self.trace(f"""
import subprocess, sys
subprocess.run([sys.executable, '-c', 'import socket; socket.socket().connect_ex(("127.0.0.1", {port}))'])
""")
        self.assertEqual(trace.one("connect")["error"], "ECONNREFUSED")
        self.assertNotEqual(trace.one("connect")["process"], trace.processes[0]["process"])

    def test_isolated(self):
        """trace: the line of a Python script, and the note where Python does not tell it"""
        script = self.scratch() / "client.py"
        script.write_text("import socket\n\ndef ask():\n    socket.socket().connect_ex(('127.0.0.1', 1))\nask()\n",
                          encoding="utf-8")
        done = self.netlab("trace", "--json", "--", sys.executable, script)
        line = Trace(done).one("connect")["line"]
        self.assertEqual((line["file"], line["line"], line["function"]), (str(script), 4, "ask"))
        self.assertEqual(line["text"], "socket.socket().connect_ex(('127.0.0.1', 1))")
        done = self.netlab("trace", "--json", "--", sys.executable, "-I", script)
        self.assertIsNone(Trace(done).one("connect")["line"])
        self.assertIn("with -I, -E or -S, Python source lines are not known", done.err)

    def test_lines(self):
        """trace: each thread and each child of a Python script has its own lines, however they take turns"""
        script = self.scratch() / "client.py"
        script.write_text("""import os, socket, threading
def one(sock):
    for _ in range(100):
        sock.send(b'x')
def two(sock):
    for _ in range(100):
        sock.send(b'xx')
sink = socket.socket(type=socket.SOCK_DGRAM)
sink.bind(('127.0.0.1', 0))
def run():
    sock = socket.socket(type=socket.SOCK_DGRAM)
    sock.connect(sink.getsockname())
    threads = [threading.Thread(target=each, args=(sock.dup(),)) for each in (one, two)]
    for each in threads: each.start()
    for each in threads: each.join()
    sock.send(b'xxx')
child = os.fork()
run()
if child: os.wait()
""", encoding="utf-8")
        done = self.netlab("trace", "--json", "--", sys.executable, script)
        trace = Trace(done)
        self.assertEqual(len(trace.processes), 2 + (trace.processes[0]["program"] == "netlab"))
        wanted = {1: ("one", 4), 2: ("two", 7), 3: ("run", 16)}
        seen = {}
        for each in trace.calls.values():
            if each["kind"] == "send":
                octets = int(each["arguments"].split()[0])
                self.assertEqual((each["line"]["function"], each["line"]["line"]), wanted[octets], each)
                seen[each["process"], octets] = seen.get((each["process"], octets), 0) + 1
        self.assertEqual(sorted(seen.values()), [1, 1, 100, 100, 100, 100])

    def test_no_line(self):
        """trace: what Python does without its socket module has no line, and not that of an earlier call"""
        script = self.scratch() / "client.py"
        script.write_text("import os, socket\none, other = socket.socketpair()\nsock = socket.socket(type=socket.SOCK_DGRAM)\n"
                          "sock.connect(('127.0.0.1', 9))\nos.write(sock.fileno(), b'x')\nsock.close()\n", encoding="utf-8")
        trace = Trace(self.netlab("trace", "--json", "--", sys.executable, script))
        self.assertIsNone(trace.one("write")["line"])
        self.assertEqual(trace.one("close")["line"]["line"], 6)

    def test_streams(self):
        """trace: the command keeps its streams; with --json its stdout goes to stderr"""
        done = self.netlab("trace", "--", "cat", input="hello\n")
        self.assertEqual(done.out, "hello\n0 calls, 0 packets\n" if can_capture() else done.out)
        done = self.netlab("trace", "--json", "--", "cat", input="hello\n")
        self.assertIn("hello\n", done.err)
        for line in done.lines:
            json.loads(line)

    def test_background(self):
        """trace: what the command leaves in the background is ended when it is idle"""
        script = f"{sys.executable} -c 'import socket; socket.create_server((\"127.0.0.1\", 0)).accept()' & exit 5"
        done = self.netlab("trace", "--json", "--", "sh", "-c", script, status=5)
        self.assertIn("ended with SIGTERM", done.err)
        trace = Trace(done)
        self.assertEqual(len(trace.named("accept4")), 1)

    def test_signals(self):
        """trace: SIGTERM to netlab goes to the command, which may answer it"""
        process = self.start("trace", "--json", "--", sys.executable, "-c", """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(9))
print('ready', file=sys.stderr, flush=True)
time.sleep(1000)
""")
        process.until_err("ready")
        self.assertEqual(process.stop(signal.SIGTERM).status, 9)

    def test_stopped(self):
        """trace: a command that is stopped and continued goes on, and the call that waited with it"""
        process = self.start("trace", "--json", "--", sys.executable, "-c", """
import os, socket, sys
listener = socket.create_server(('127.0.0.1', 0))
print('at', os.getpid(), listener.getsockname()[1], file=sys.stderr, flush=True)
listener.accept()[0].sendall(b'x')
""")
        pid, port = map(int, process.until_err(r"at (\d+) (\d+)\n").groups())
        state = lambda: open(f"/proc/{pid}/stat", encoding="ascii").read().rpartition(")")[2].split()[0]
        harness.until(lambda: state() == "S", "accept")
        os.kill(pid, signal.SIGSTOP)
        harness.until(lambda: state() in "Tt", "the stop")
        os.kill(pid, signal.SIGCONT)
        harness.until(lambda: state() == "S", "the continuation")
        self.assertEqual(self.tcp(port).recv(1), b"x")
        trace = Trace(process.wait())
        self.assertEqual(sum(each["kind"] == "send" for each in trace.calls.values()), 1)

    def test_unprivileged(self):
        """trace: without privilege the calls alone, and it is said; --own-network has the packets"""
        if os.getuid() != 0:
            self.skipTest("needs root to become nobody")
        nobody = self.as_nobody()
        script = "import socket; s = socket.create_server(('127.0.0.1', 0)); socket.create_connection(s.getsockname())"
        python = "/usr/bin/python3"  # one that everybody may run
        if not os.access(python, os.X_OK):
            self.skipTest("no /usr/bin/python3")
        done = self.program(*nobody, "trace", "--json", "--", python, "-c", script)
        self.assertIn("--own-network", done.err)
        trace = Trace(done)
        self.assertIsNone(trace.summary["packets"])
        self.assertEqual(trace.one("connect")["result"], 0)
        done = self.program(*nobody, "trace", "--own-network", "--json", "--", python, "-c", script, status=None)
        if done.status == harness.NOT_PERMITTED:
            self.skipTest(done.err.strip())
        trace = Trace(done)
        self.assertEqual(trace.with_flags("SYN")[0]["calls"], [trace.one("connect")["call"]])




if __name__ == "__main__":
    harness.main()
