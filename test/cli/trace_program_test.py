# SPDX-License-Identifier: MIT
"""netlab trace on programs that are built in unusual ways: each packet still has its call, and nothing stays behind."""
import os
import pathlib
import re
import signal
import sys
import textwrap

import harness
from trace_test import PRELUDE, Trace, TraceCase

MMSG = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
class Vector(ctypes.Structure): _fields_ = [('base', ctypes.c_void_p), ('length', ctypes.c_size_t)]
class Header(ctypes.Structure): _fields_ = [
    ('name', ctypes.c_void_p), ('name_length', ctypes.c_uint32), ('vectors', ctypes.POINTER(Vector)), ('count', ctypes.c_size_t),
    ('control', ctypes.c_void_p), ('control_length', ctypes.c_size_t), ('flags', ctypes.c_int)]
class Message(ctypes.Structure): _fields_ = [('header', Header), ('length', ctypes.c_uint32)]
def messages(lengths):
    made = (Message * len(lengths))()
    for each, length in zip(made, lengths):
        octets = ctypes.create_string_buffer(max(length, 1))
        each.header.vectors = ctypes.pointer(Vector(ctypes.cast(octets, ctypes.c_void_p), length))
        each.header.count = 1
    return made
"""

CAP_SYS_PTRACE = 19  # linux/capability.h


def has_capability(number):
    status = pathlib.Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.search(r"CapEff:\s*([0-9a-f]+)", status)[1], 16) >> number & 1 == 1


class Sockets(TraceCase):
    def check_ends(self, trace, *names):
        """Each FIN has the call that closed the socket, and it is one of these."""
        fins = [each for each in trace.packets.values() if "FIN" in each.get("flags", [])]
        self.assertTrue(fins)
        for each in fins:
            self.assertTrue(each["calls"], each)
            for call in each["calls"]:
                self.assertIn(trace.calls[call]["name"], names)

    def test_replaced(self):
        """trace: dup2() to a socket's descriptor closes it: the FIN is its own"""
        trace = self.trace(PRELUDE + """
listener = serve()
sock = socket.create_connection(listener.getsockname())
peer = listener.accept()[0]
os.dup2(os.open('/dev/null', os.O_RDWR), sock.fileno())
assert peer.recv(1) == b''
os.dup2(sock.fileno(), sock.fileno())
os.dup2(0, peer.fileno())
os._exit(0)
""")
        self.check_ends(trace, "dup2", "dup3")

    def test_all_closed(self):
        """trace: a program that closes all its descriptors at once"""
        trace = self.trace(PRELUDE + """
listener = serve()
socks = [socket.create_connection(listener.getsockname()) for _ in range(3)]
peers = [listener.accept()[0] for _ in range(3)]
os.closerange(3, 5000)
again = serve()
socket.create_connection(again.getsockname()).sendall(b'x')
assert again.accept()[0].recv(1) == b'x'
os._exit(0)
""")
        self.check_ends(trace, "close_range", "close", "exit")
        self.check_segments(trace)
        self.assertEqual(len(trace.with_flags("SYN")), 4)

    def test_executed(self):
        """trace: exec() closes sockets, from any thread: the FIN is its own"""
        for thread in (False, True):
            trace = self.trace(PRELUDE + f"""
listener = serve()
sock = socket.create_connection(listener.getsockname())
peer = listener.accept()[0]
sock.set_inheritable(True)
def run():
    os.execv({sys.executable!r}, [{sys.executable!r}, '-c', 'import os; assert os.read(%d, 1) == b""' % sock.fileno()])
if {thread}:
    for _ in range(2): threading.Thread(target=peer.recv, args=(1,)).start()
    threading.Thread(target=run).start()
    time.sleep(1000)
else:
    run()
""")
            self.check_ends(trace, "execve", "exit")
            self.assertEqual((trace.one("execve")["result"], trace.one("execve")["arguments"]), (0, sys.executable))

    def test_close_failed(self):
        """trace: exec() and dup2() that fail close nothing: the FIN belongs to the exit"""
        trace = self.trace(PRELUDE + """
listener = serve()
sock = socket.create_connection(listener.getsockname())
peer = listener.accept()[0]
for path in ('/nowhere/first', '/nowhere/second'):
    try: os.execv(path, ['program'])
    except FileNotFoundError: pass
for each in (sock, peer):
    try: os.dup2(5000, each.fileno())
    except OSError: pass
os._exit(0)
""")
        self.check_ends(trace, "exit")
        self.assertEqual([each["result"] for each in trace.named("execve", "dup2", "dup3")], [-1] * 4)

    def test_watch_kept(self):
        """trace: dup2() of nothing to an epoll's descriptor leaves the epoll as it is"""
        trace = self.trace(PRELUDE + """
import select
listener = serve()
sock = socket.create_connection(listener.getsockname())
watch = select.epoll()
watch.register(listener, select.EPOLLIN)
try: os.dup2(5000, watch.fileno())
except OSError: pass
watch.poll()
""")
        self.assertEqual(len(trace.named("epoll_wait", "epoll_pwait", "epoll_pwait2")), 1)

    def test_inherited(self):
        """trace: the FIN of a socket that exec() leaves open belongs to the exit of the next program, though it never used it"""
        trace = self.trace(PRELUDE + f"""
listener = serve()
sock = socket.create_connection(listener.getsockname())
peer = listener.accept()[0]
sock.set_inheritable(True)
os.execv({sys.executable!r}, [{sys.executable!r}, '-c', 'pass'])
""")
        self.check_ends(trace, "execve", "exit")
        self.assertIn("exit", [each["name"] for each in trace.calls.values()])

    def test_main_thread_ended(self):
        """trace: the sockets of a process whose main thread has ended"""
        trace = self.trace(PRELUDE + """
import ctypes
ours = os.getpid()
def run():
    while open(f'/proc/{ours}/stat').read().rpartition(')')[2].split()[0] != 'Z': pass
    listener = serve()
    sock = socket.create_connection(listener.getsockname())
    peer = listener.accept()[0]
    sock.sendall(b'x'); assert peer.recv(1) == b'x'
    os._exit(0)
threading.Thread(target=run).start()
ctypes.CDLL(None).syscall(60 if os.uname().machine == 'x86_64' else 93, 0)
""")
        self.check_segments(trace)
        self.assertEqual(trace.with_flags("SYN")[0]["calls"], [trace.one("connect")["call"]])

    def test_passed(self):
        """trace: a connection that was passed to another process keeps its identity"""
        trace = self.trace(PRELUDE + """
ours, theirs = socket.socketpair()
listener = serve()
child = os.fork()
if child == 0:
    octets, descriptors, _, _ = socket.recv_fds(theirs, 10, 1)
    with socket.socket(fileno=descriptors[0]) as passed:
        passed.sendall(passed.recv(10) * 2)
    os._exit(0)
sock = socket.create_connection(listener.getsockname())
peer = listener.accept()[0]
socket.send_fds(ours, [b'x'], [peer.fileno()])
peer.close()
sock.sendall(b'hello')
assert sock.recv(10, socket.MSG_WAITALL) == b'hello' * 2
os.waitpid(child, 0)
""")
        self.check_segments(trace)
        (accepted,) = trace.named("accept4", "accept")
        answer = next(each for each in trace.calls.values() if each["kind"] == "send" and each["result"] == 10)
        self.assertNotEqual(answer["process"], accepted["process"])
        closed = [each["socket"] for each in trace.named("close") if each["process"] == accepted["process"]]
        self.assertIn(answer["socket"], closed)

    def test_prefork(self):
        """trace: a server whose processes all wait in accept()"""
        trace = self.trace(PRELUDE + """
listener = serve(backlog=64)
def work():
    while True:
        peer = listener.accept()[0]
        if peer.recv(1) == b'q': os._exit(0)
        peer.sendall(b'answer'); peer.close()
for _ in range(4):
    if os.fork() == 0: work()
for _ in range(12):
    with socket.create_connection(listener.getsockname()) as sock:
        sock.sendall(b'x'); assert sock.recv(10) == b'answer'
for _ in range(4):
    with socket.create_connection(listener.getsockname()) as sock: sock.sendall(b'q'); sock.recv(1)
for _ in range(4): os.wait()
""")
        self.check_segments(trace)
        self.assertEqual(len(trace.with_flags("SYN")), 16)
        accepted = [each for each in trace.named("accept4", "accept") if each["result"] is not None and each["result"] >= 0]
        self.assertEqual(len(accepted), 16)
        received = [each for each in trace.calls.values() if each["kind"] == "receive" and each["result"] == 1]
        self.assertEqual(len({each["socket"] for each in received}), 16)

    def test_many_datagrams(self):
        """trace: several datagrams in one call, each with its packet"""
        trace = self.trace(PRELUDE + MMSG + """
receiver = socket.socket(type=socket.SOCK_DGRAM); receiver.bind(('127.0.0.1', 0))
sock = socket.socket(type=socket.SOCK_DGRAM); sock.connect(receiver.getsockname())
assert libc.sendmmsg(sock.fileno(), messages([1, 22, 333, 0, 22]), 5, 0) == 5
assert libc.recvmmsg(receiver.fileno(), messages([1000] * 8), 8, 0x10000, None) == 5
""")
        datagrams = [each for each in trace.packets.values() if each["proto"] == "udp"]
        self.assertEqual([each["octets"] for each in datagrams], [1, 22, 333, 0, 22])
        for each in datagrams:
            self.assertEqual([trace.calls[call]["name"] for call in each["calls"]], ["sendmmsg"], each)
            self.assertEqual([trace.calls[call]["name"] for call in each["delivered_to"]], ["recvmmsg"], each)

    def test_long_vectors(self):
        """trace: a writev() of as many parts as the system takes"""
        trace = self.trace(PRELUDE + """
listener = serve()
sock = socket.create_connection(listener.getsockname())
peer = listener.accept()[0]
parts = [bytes(number % 100) for number in range(1024)]
whole = sum(map(len, parts))
def take():
    left = whole
    while left: left -= os.readv(peer.fileno(), [bytearray(1000)] * 3)
thread = threading.Thread(target=take); thread.start()
assert os.writev(sock.fileno(), parts) == whole
thread.join()
""")
        self.check_segments(trace)
        self.assertRegex(trace.one("writev")["arguments"], r"^\d+ octets$")
        self.assertEqual(trace.one("writev")["result"], int(trace.one("writev")["arguments"].split()[0]))


class Processes(TraceCase):
    def test_storm(self):
        """trace: hundreds of children by vfork and exec, while connections go on"""
        trace = self.trace(PRELUDE + """
import subprocess
listener = serve()
sock = socket.create_connection(listener.getsockname())
peer = listener.accept()[0]
running = True
def talk():
    while running: sock.sendall(b'x'); assert peer.recv(1) == b'x'
thread = threading.Thread(target=talk); thread.start()
for _ in range(20):
    for each in [subprocess.Popen(['/bin/true']) for _ in range(10)]: assert each.wait() == 0
running = False
thread.join()
""")
        self.assertGreaterEqual(len(trace.processes), 200)
        self.check_segments(trace)

    def test_stopped_often(self):
        """trace: a program with threads that is stopped and continued again and again"""
        trace = self.trace(PRELUDE + """
import signal
listener = serve()
def answer():
    peer = listener.accept()[0]
    while octets := peer.recv(1): peer.sendall(octets)
threads = [threading.Thread(target=answer) for _ in range(2)]
for each in threads: each.start()
ours = os.getpid()
child = os.fork()
if child == 0:
    for _ in range(30):
        os.kill(ours, signal.SIGSTOP)
        while open(f'/proc/{ours}/stat').read().rpartition(')')[2].split()[0] not in 'Tt': pass
        os.kill(ours, signal.SIGCONT)
    os._exit(0)
socks = [socket.create_connection(listener.getsockname()) for _ in range(2)]
for _ in range(200):
    for each in socks: each.sendall(b'x')
    for each in socks: assert each.recv(1) == b'x'
for each in socks: each.close()
for each in threads: each.join()
os.waitpid(child, 0)
""")
        self.check_segments(trace)

    def test_other_user(self):
        """trace: a server that gives up root still finds what Python's ssl and the lines need"""
        if os.getuid() != 0:
            self.skipTest("needs root to become nobody")
        if not has_capability(CAP_SYS_PTRACE):
            self.skipTest("needs CAP_SYS_PTRACE: the kernel hides the memory of a program that has changed its user (ptrace(2))")
        script = textwrap.dedent("""
            import os, socket, ssl
            os.setgroups([]); os.setgid(65534); os.setuid(65534)
            ssl.create_default_context()
            sock = socket.socket()
        """)
        python = "/usr/bin/python3"  # one that everybody may run
        if not os.access(python, os.X_OK):
            self.skipTest("no /usr/bin/python3")
        trace = Trace(self.netlab("trace", "--json", "--", python, "-c", script))
        self.assertEqual(trace.one("socket")["line"]["line"], 5)

    def test_killed(self):
        """trace: what a killed netlab leaves in $TMPDIR is removed by the next one"""
        place = self.scratch()
        process = self.start("trace", "--", sys.executable, "-c", "import sys, time\nprint('ready', file=sys.stderr, flush=True)\n"
                             "time.sleep(1000)", env={"TMPDIR": place})
        process.until_err("ready")
        self.assertEqual(len(list(place.iterdir())), 1)
        process.stop(signal.SIGKILL)
        self.assertEqual(len(list(place.iterdir())), 1)
        self.netlab("trace", "--", "true", env={"TMPDIR": place})
        self.assertEqual(list(place.iterdir()), [])


if __name__ == "__main__":
    harness.main()
