# SPDX-License-Identifier: MIT
"""Sends requests to a calculation server with a forged source, and counts what comes back.

    forge.py SERVER PORT SOURCE {addresses | port 0}

Prints the octets sent and answered, as JSON. The last request has a true source; its answer shows that the server has
read all the others."""

import json
import random
import socket
import struct
import sys


def request(ident, op, numbers):
    return struct.pack(f"!I3sB{len(numbers)}i", ident, op, len(numbers), *numbers)


def packet(source, target, source_port, target_port, payload):
    """IPv4 and UDP headers (RFC 791, RFC 768); the kernel fills in IPv4's checksum, and 0 is no checksum of UDP."""
    udp = struct.pack("!HHHH", source_port, target_port, 8 + len(payload), 0) + payload
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, socket.IPPROTO_UDP, 0, socket.inet_aton(source),
                       socket.inet_aton(target)) + udp


def main():
    server, port, source, what = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
    listening = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    chance = random.Random(5)
    payloads = [request(1, b"SUM", []), request(2, b"PRO", []), request(3, b"MAX", [7]), request(4, b"SUM", [1] * 255), b"", b"x",
                request(5, b"MIN", []), request(6, b"sum", [1]), b"\0" * 8, request(7, b"SUM", [1])[:-1]]
    payloads += [chance.randbytes(chance.randrange(40)) for _ in range(100)]
    payloads += [request(8, b"SUM", [])] * 50
    if what == "port 0":
        payloads = [request(9, b"SUM", [1, 2])] * 20
    for each in payloads:
        raw.sendto(packet(source, server, 0 if what == "port 0" else chance.randrange(1024, 65536), port, each), (server, 0))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.settimeout(20)
        own.connect((server, port))
        own.send(request(10, b"SUM", [2, 3]))
        assert own.recv(100) == struct.pack("!Ii", 10, 5)
    answered, longest = 0, 0
    listening.setblocking(False)
    while True:
        try:
            got, where = listening.recvfrom(65536)
        except BlockingIOError:
            break
        # To the forged address, by UDP, and not one of those that this host sends.
        if where[2] == socket.PACKET_OUTGOING or got[9] != socket.IPPROTO_UDP or got[16:20] != socket.inet_aton(source):
            continue
        size = struct.unpack_from("!H", got, 24)[0] - 8
        answered += size
        longest = max(longest, size)
    print(json.dumps({"datagrams": len(payloads), "sent": sum(map(len, payloads)), "answered": answered, "longest": longest}))


if __name__ == "__main__":
    main()
