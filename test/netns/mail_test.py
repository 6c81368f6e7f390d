# SPDX-License-Identifier: MIT
"""netlab mail send, checked by the system's own counters of what was sent."""

import json
import pathlib
import sys

import world
from harness import Process, main, run


@world.needs_namespaces
class Sending(world.World):
    def counters(self, host):
        """/proc/net/netstat in that namespace: {name: number}."""
        lines = run(host.argv("cat", "/proc/net/netstat")).lines
        return {name: int(number) for names, numbers in zip(lines[::2], lines[1::2])
                for name, number in list(zip(names.split(), numbers.split()))[1:]}

    def test_acknowledges_at_once(self):
        """mail send: a server with Nagle's algorithm never waits for a delayed acknowledgement"""
        count = 40
        script = pathlib.Path(__file__).with_name("slow_acks.py")
        server = Process(self.far.argv(sys.executable, "-B", script, "2525"))
        self.addCleanup(server.kill)
        server.until_out("ready")
        before = self.counters(self.near)["DelayedACKs"]
        batch = "".join(json.dumps({"to": f"r{each}@example.org", "body": "x"}) + "\n" for each in range(count))
        done = self.netlab_in(self.near, "mail", "send", "--server", "192.0.2.2:2525", "--tls", "none", "--from",
                              "a@example.org", "--batch", "-", input=batch)
        self.assertEqual(len(done.lines), count)
        # A machine that is busy for 40 ms delays some acknowledgements.
        self.assertLess(self.counters(self.near)["DelayedACKs"] - before, count / 4)


if __name__ == "__main__":
    main()
