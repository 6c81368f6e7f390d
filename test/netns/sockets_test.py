# SPDX-License-Identifier: MIT
"""netlab sockets compared with ss, in a network that no other program uses."""

import collections
import json
import os
import re
import shutil
import unittest

import world
import harness

HOLDER = r"""
import resource, socket, sys
count = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_NOFILE, (count + 100, max(count + 100, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
held = []
for family, host in ((socket.AF_INET, '127.0.0.1'), (socket.AF_INET6, '::1')):
    listener = socket.create_server((host, 0), family=family, backlog=1000)
    held.append(listener)
    for _ in range(count // 5):
        near = socket.create_connection(listener.getsockname()[:2])
        far = listener.accept()[0]
        held += [near, far]
        if len(held) % 7 == 0:
            near.sendall(b'x' * (len(held) % 100))
        if len(held) % 5 == 0:
            near.shutdown(socket.SHUT_WR)
    for _ in range(count // 10):
        one = socket.socket(family, socket.SOCK_DGRAM)
        one.bind((host, 0))
        if len(held) % 3 == 0:
            one.connect((host, 9))
        held.append(one)
print('ready', len(held), flush=True)
sys.stdin.read()
"""

STATES = {"LISTEN": "listen", "ESTAB": "established", "FIN-WAIT-1": "fin-wait-1", "FIN-WAIT-2": "fin-wait-2",
          "CLOSE-WAIT": "close-wait", "TIME-WAIT": "time-wait", "SYN-SENT": "syn-sent", "SYN-RECV": "syn-received",
          "LAST-ACK": "last-ack", "CLOSING": "closing", "UNCONN": "unconnected"}


def of_ss(line):
    """A line of `ss -tuanHp` in netlab's form."""
    words = line.split()
    state = STATES[words[1]]
    if words[0] == "udp" and state == "established":
        state = "connected"
    remote = None if words[5].endswith(":*") else words[5]
    owners = tuple(sorted((int(pid), int(fd)) for pid, fd in re.findall(r"pid=(\d+),fd=(\d+)", line)))
    return words[0], state, int(words[2]), int(words[3]), words[4], remote, owners


def of_netlab(line):
    row = json.loads(line)
    owners = tuple(sorted((each["pid"], each["fd"]) for each in row["processes"]))
    return row["proto"], row["state"], row["recv_queue"], row["send_queue"], row["local"], row["remote"], owners


@unittest.skipUnless(shutil.which("ss"), "ss not installed")
@world.needs_namespaces
class Agreement(world.World):
    def test_ss(self):
        """sockets: the same 10,000 sockets as ss, with states, queues, ends and processes"""
        reader, writer = os.pipe()
        holder = harness.Process(self.near.argv("python3", "-c", HOLDER, "10000"), stdin=reader)
        self.addCleanup(holder.kill)
        self.addCleanup(os.close, writer)
        os.close(reader)
        holder.until_out("ready")
        # FINs and data are acknowledged a moment later; then nothing changes any more.
        def settled():
            now = self.netlab_in(self.near, "sockets", "--json")
            return None if '"fin-wait-1"' in now.out else now

        ours = harness.until(settled, "acknowledgements")
        theirs = harness.run(self.near.argv("ss", "-tuanHp"))
        self.assertEqual(theirs.status, 0, theirs.err)
        told = collections.Counter(map(of_netlab, ours.lines))
        shown = collections.Counter(map(of_ss, theirs.lines))
        self.assertGreaterEqual(sum(told.values()), 10000)
        self.assertEqual(list((told - shown).elements())[:3], [])
        self.assertEqual(list((shown - told).elements())[:3], [])

    def test_interface(self):
        """sockets: a socket that is bound to an interface says so"""
        holder = harness.Process(self.near.argv(
            "python3", "-c", "import socket, time\n"
            "s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)\n"
            "s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b'wire')\n"
            "s.bind(('::', 5353))\nprint('ready', flush=True)\ntime.sleep(600)"))
        self.addCleanup(holder.kill)
        holder.until_out("ready")
        row = json.loads(self.netlab_in(self.near, "sockets", "--json", "--port", "5353").out)
        self.assertEqual((row["local"], row["interface"]), ("[::%wire]:5353", "wire"))


if __name__ == "__main__":
    harness.main()
