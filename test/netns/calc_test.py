#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""netlab calc serve and datagrams whose source is not their sender's."""

import json
import pathlib
import re
import sys

import world  # first: it sets the path to harness

import harness

FORGED = "192.0.2.77"


@world.needs_namespaces
class Calc(world.World):
    def forge(self, server, *how):
        """Sends datagrams from near with the source address FORGED, see forge.py: its counts."""
        script = pathlib.Path(__file__).with_name("forge.py")
        done = harness.run(self.near.argv(sys.executable, "-B", script, "192.0.2.2", server.port, FORGED, *how))
        self.assertEqual(done.status, 0, done.err)
        return json.loads(done.out)

    def serve(self):
        self.near.ip("addr", "add", f"{FORGED}/24", "dev", "wire")  # so that answers to it can be counted
        server = harness.Server(self.far.argv(harness.NETLAB, "calc", "serve", "--udp", "--bind", "192.0.2.2", "--port", "0",
                                              "--threads", "1"), 1)
        self.addCleanup(server.kill)
        return server

    def test_forged_source(self):
        """calc serve: a forged source never gets more octets than were sent in its name"""
        counts = self.forge(self.serve(), "addresses")
        self.assertGreater(counts["answered"], 0)
        self.assertLessEqual(counts["answered"], counts["sent"])
        self.assertLessEqual(counts["longest"], 8)

    def test_port_0(self):
        """calc serve: a datagram from port 0 is dropped and counted"""
        server = self.serve()
        counts = self.forge(server, "port 0")
        self.assertEqual(counts["answered"], 0)
        done = server.stop()
        self.assertEqual(int(re.search(r"refused (\d+)", done.err)[1]), counts["datagrams"])
        self.assertIn("nothing can be sent to port 0", done.err)


if __name__ == "__main__":
    harness.main()
