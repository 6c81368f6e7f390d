#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Clients and servers as students write them: struct with '!', '<' or native order, one recv() per request."""

import os
import sys
import textwrap

import harness
from harness import PROTOCOL, Case, Process

CLIENT = """
import socket, struct, sys
transport, order, port, op, numbers = sys.argv[1], sys.argv[2].strip('.'), int(sys.argv[3]), sys.argv[4], [int(z) for z in sys.argv[5:]]
kind = socket.SOCK_STREAM if transport == 'tcp' else socket.SOCK_DGRAM
sock = socket.socket(socket.AF_INET, kind)
sock.settimeout(30)
sock.connect(('127.0.0.1', port))
sock.send(struct.pack(order + 'I3sB', 1234, op.encode('utf-8'), len(numbers)) + struct.pack(order + '%di' % len(numbers), *numbers))
data = sock.recv(8)
print(struct.unpack(order + 'Ii', data))
sock.close()
"""

SERVER = """
import socket, struct, sys, threading
transport, order = sys.argv[1], sys.argv[2].strip('.')

def compute(data):
    ident, op, n = struct.unpack(order + 'I3sB', data[:8])
    z = struct.unpack(order + '%di' % n, data[8:8 + 4 * n])
    op = op.decode('utf-8')
    if op == 'SUM': result = sum(z)
    elif op == 'PRO':
        result = 1
        for each in z: result *= each
    elif op == 'MIN': result = min(z)
    elif op == 'MAX': result = max(z)
    return struct.pack(order + 'I', ident) + struct.pack(order + 'i', (result + 2**31) % 2**32 - 2**31)

if transport == 'udp':
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(('127.0.0.1', 0))
    print(sock.getsockname()[1], flush=True)
    while True:
        data, addr = sock.recvfrom(1024)
        sock.sendto(compute(data), addr)
else:
    def receive(conn):
        while True:
            data = conn.recv(1024)
            if not data: break
            conn.send(compute(data))
        conn.close()
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.bind(('127.0.0.1', 0))
    sock.listen(5)
    print(sock.getsockname()[1], flush=True)
    while True:
        conn, addr = sock.accept()
        threading.Thread(target=receive, args=(conn,), daemon=True).start()
"""

ORDERS = {"!": "network", "<": "little"}
# Native order packs 3sB after I without padding, and is little-endian on a PC.
NATIVE = {"little": "little", "big": "network"}[sys.byteorder]
CALLS = [("SUM", 1, 2, 3), ("PRO", 4, 5), ("PRO", -7, 1000), ("MIN", 3, -7), ("MAX", -3, -7), ("SUM",), ("SUM", *range(200))]


def result(op, *numbers):
    value = 1
    for number in numbers:
        value *= number
    return {"SUM": sum(numbers), "PRO": value, "MIN": min(numbers, default=0), "MAX": max(numbers, default=0)}[op]


class Student(Case):
    def script(self, text, name):
        path = self.scratch() / name
        path.write_text(textwrap.dedent(text))
        return str(path)

    def serve_student(self, transport, order):
        server = Process([sys.executable, self.script(SERVER, "server.py"), transport, order])
        self.addCleanup(server.kill)
        return int(server.until_out(r"(\d+)\n")[1])


class Clients(Student):
    def test_clients(self):
        """student's client: '!', '<' and native order against the server of that order, TCP and UDP"""
        program = self.script(CLIENT, "client.py")
        for mark, order in (*ORDERS.items(), (".", NATIVE)):  # a single dot stands for no mark
            server = self.serve("--byte-order", order)
            for transport in ("tcp", "udp"):
                for call in CALLS[:4]:
                    with self.subTest(f"{mark} {transport} {call}"):
                        done = harness.run([sys.executable, program, transport, mark, str(server.port), *map(str, call)])
                        self.assertEqual(done.out, f"(1234, {result(*call)})\n", done.err)

    def test_wrong_order(self):
        """student's client in the wrong order: SUM 1 2 3 is right all the same, PRO is not"""
        program = self.script(CLIENT, "client.py")
        server = self.serve()
        done = harness.run([sys.executable, program, "tcp", "<", str(server.port), "SUM", "1", "2", "3"])
        self.assertEqual(done.out, "(1234, 6)\n", done.err)
        done = harness.run([sys.executable, program, "tcp", "<", str(server.port), "PRO", "4", "5"])
        self.assertNotIn("20)", done.out)


class Servers(Student):
    def test_servers(self):
        """student's server: one recv a request, in '!', '<' and native order, TCP and UDP"""
        for mark, order in (*ORDERS.items(), (".", NATIVE)):
            for transport in ("tcp", "udp"):
                port = self.serve_student(transport, mark)
                for call in CALLS:
                    with self.subTest(f"{mark} {transport} {call[:4]}"):
                        done = self.netlab("calc", "query", transport, "--byte-order", order, "--port", port, *call)
                        self.assertEqual(done.out, f"{result(*call)}\n")

    def test_255_numbers(self):
        """student's server of recv(1024): 254 numbers come in one recv only because they come in one segment"""
        port = self.serve_student("tcp", "!")
        for _ in range(20):
            self.assertEqual(self.netlab("calc", "query", "--port", port, "sum", *[1] * 254).out, "254\n")

    def test_wrong_order(self):
        """student's server in the PC's order: SUM is right, MAX is diagnosed with the cure, which works"""
        for transport in ("tcp", "udp"):
            port = self.serve_student(transport, "<")
            self.assertEqual(self.netlab("calc", "query", transport, "--port", port, "sum", 1, 2, 3).out, "6\n")
            self.refused("calc", "query", transport, "--port", port, "max", 1, 256, status=PROTOCOL, says="try --byte-order little")
            self.assertEqual(self.netlab("calc", "query", transport, "--byte-order", "little", "--port", port, "max", 1, 256).out, "256\n")

    def test_batch(self):
        """student's server: a batch with --pipeline 1 over TCP, any pipeline over UDP"""
        lines = "".join(f"sum {n} 1\n" for n in range(200))
        expected = [str(n + 1) for n in range(200)]
        done = self.netlab("calc", "query", "--pipeline", 1, "--port", self.serve_student("tcp", "!"), input=lines)
        self.assertEqual(done.lines, expected)
        done = self.netlab("calc", "query", "--udp", "--port", self.serve_student("udp", "!"), input=lines)
        self.assertEqual(done.lines, expected)

    def test_bench(self):
        """student's server: bench with one request at a time"""
        for transport in ("tcp", "udp"):
            port = self.serve_student(transport, "!")
            self.netlab("calc", "bench", transport, "--connections", 2, "--duration", "100ms", "--port", port)


if __name__ == "__main__":
    os.umask(0o022)
    harness.main()
