# SPDX-License-Identifier: MIT
"""The simulated network itself, tested with plain sockets, because the scan tests rely on it."""

import json
import sys
import textwrap

import world  # first: it sets the path to harness

import harness
from harness import main

HOST = {4: "198.18.0.1", 6: "2001:db8:18::1"}

# Reads lines `proto host port`, tries each in turn, and prints [error, seconds, received text, its sender] for each.
ASKER = textwrap.dedent("""
    import errno, json, socket, sys, time
    for line in sys.stdin:
        proto, host, port = line.split()
        kind = socket.SOCK_STREAM if proto == "tcp" else socket.SOCK_DGRAM
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        level, option = (socket.IPPROTO_IPV6, 25) if ":" in host else (socket.IPPROTO_IP, 11)
        one = socket.socket(family, kind)
        one.setsockopt(level, option, 1)  # IP_RECVERR: every ICMP error is told
        one.settimeout(0.4)
        began = time.monotonic()
        error, took, heard, sender = None, None, "", None
        try:
            if proto == "tcp":
                one.connect((host, int(port)))
                took = time.monotonic() - began
                one.send(b"hello")
                while True:
                    heard += one.recv(100).decode()
            else:
                one.sendto(b"hello", (host, int(port)))
                heard, peer = one.recvfrom(100)
                heard, sender = heard.decode(), list(peer[:2])
        except TimeoutError:
            error = None if heard or took else "silence"
        except OSError as failed:
            error = errno.errorcode[failed.errno]
        print(json.dumps([error, took or time.monotonic() - began, heard, sender]), flush=True)
""")


@world.needs_namespaces
class Simulated(world.World):
    def ask(self, *asked):
        done = harness.run(self.near.argv(sys.executable, "-B", "-c", ASKER), input="".join(f"{one}\n" for one in asked))
        self.assertEqual(done.status, 0, done.err)
        return [json.loads(line) for line in done.lines]

    def kinds(self, family):
        self.simulate(f"""
            host {HOST[family]}   # the host
              tcp 1 open
              tcp 2 open echo
              tcp 3 open banner SSH-2.0-lab
              tcp 4 silent
              tcp 5 admin-prohibited
              tcp 6 host-unreachable
              tcp 7 open delay 200ms
              udp 1 open
              udp 2 open port 99 reply noon
              udp 3 silent
              udp 4 admin-prohibited
        """)
        tcp = self.ask(*(f"tcp {HOST[family]} {port}" for port in range(1, 9)))
        prohibited = "EHOSTUNREACH" if family == 4 else "EACCES"
        self.assertEqual([one[0] for one in tcp],
                         [None, None, None, "silence", prohibited, "EHOSTUNREACH", None, "ECONNREFUSED"])
        self.assertEqual([one[2] for one in tcp[:3]], ["", "hello", "SSH-2.0-lab\r\n"])
        self.assertGreater(tcp[6][1], 0.2)
        udp = self.ask(*(f"udp {HOST[family]} {port}" for port in range(1, 6)))
        self.assertEqual([one[0] for one in udp], [None, None, "silence", prohibited, "ECONNREFUSED"])
        self.assertEqual([one[2:] for one in udp[:2]], [["hello", [HOST[family], 1]], ["noon", [HOST[family], 99]]])

    def test_kinds_ipv4(self):
        """simulated network: each kind of port is what a socket sees over IPv4"""
        self.kinds(4)

    def test_kinds_ipv6(self):
        """simulated network: each kind of port is what a socket sees over IPv6"""
        self.kinds(6)

    def test_limits(self):
        """simulated network: after a burst, answers of a kind come at their limit's rate, from a router too"""
        self.simulate("""
            host 198.18.0.1-2
              udp 1-20 admin-prohibited by 198.18.255.1
              limit reset 0.01/s burst 3
            host 198.18.255.1
              limit icmp 0.01/s burst 6
        """)
        heard = self.ask(*(f"tcp 198.18.0.{last} {port}" for port in range(5) for last in (1, 2)))
        self.assertEqual([error for error, *_ in heard], 6 * ["ECONNREFUSED"] + 4 * ["silence"])
        heard = self.ask(*(f"udp 198.18.0.{last} {port}" for port in range(1, 5) for last in (1, 2)))
        self.assertEqual([error for error, *_ in heard], 6 * ["EHOSTUNREACH"] + 2 * ["silence"])

    def test_elsewhere(self):
        """simulated network: a datagram is answered from another address; an address without a rule is silent"""
        self.simulate("""
            host 198.18.0.1
              udp 7 open by 198.18.0.9
        """)
        self.assertEqual(self.ask("udp 198.18.0.1 7", "udp 198.18.0.2 7", "tcp 198.18.0.2 7")[0][3], ["198.18.0.9", 7])

    def test_loss(self):
        """simulated network: a loss of 30 % each way loses about half of the answers"""
        self.simulate("""
            host 198.18.0.1
              loss 30%
              udp 1-400 open
        """)
        script = ("import socket, time\n"
                  "one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
                  "one.settimeout(1)\n"
                  "for port in range(1, 401): one.sendto(b'x', ('198.18.0.1', port))\n"
                  "try:\n"
                  "    for heard in range(401): one.recv(9)\n"
                  "except TimeoutError: print(heard)\n")
        done = harness.run(self.near.argv(sys.executable, "-c", script))
        self.assertTrue(400 * 0.35 < int(done.out) < 400 * 0.65, done.out + done.err)

    def test_log_and_truth(self):
        """simulated network: what was sent to its hosts is logged, and the truth is read from the rules"""
        network = self.simulate("""
            host 198.18.0.0/30,2001:db8:18::1-2001:db8:18::2
              tcp 1-2,9 open delay 1ms-2ms
              udp 5 admin-prohibited
        """)
        self.ask("tcp 198.18.0.1 1", "udp 198.18.0.2 5")
        self.assertEqual([(one.host, one.port) for one in network.probes("tcp")], [("198.18.0.1", 1)])
        self.assertEqual([(one.host, one.port) for one in network.probes("udp")], [("198.18.0.2", 5)])
        self.assertEqual({one.source for one in network.packets()}, {"198.18.0.254"})
        for host in ("198.18.0.3", "2001:db8:18::2"):
            self.assertEqual(network.states(host, (2, 3)), {2: ("open", "syn-ack"), 3: ("closed", "reset")})
            self.assertEqual(network.states(host, (5,), "udp"), {5: ("filtered", "admin-prohibited")})
        self.assertEqual(network.states("198.18.0.4", (2,)), {2: ("filtered", "no-response")})

    def test_bad_rules(self):
        """simulated network: a rule that is not understood is named with its line"""
        rules = harness.pathlib.Path(self.scratch()) / "rules"
        rules.write_text("host 198.18.0.1\n  tcp 1 opened\n")
        done = harness.run([harness.os.environ["NETLAB_SIMULATED"], str(rules), "nowhere"])
        self.assertEqual((done.status, done.err), (harness.BAD_DATA, f"simulated: {rules}: line 2: 'tcp 1 opened'\n"))


if __name__ == "__main__":
    main()
