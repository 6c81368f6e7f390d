#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""netlab scan udp, and servers that answer in unusual ways."""

import json
import pathlib
import random

import harness
import unpacked


class Tftp(unpacked.Peer):
    packages = ("tftpd-hpa",)

    def test_other_port(self):
        """scan udp: a TFTP server answers from another port than the one that was asked, and is found open"""
        address = ".".join(map(str, (127, *(random.randrange(1, 255) for _ in range(3)))))
        files = self.place / "files"
        files.mkdir()
        server = self.start_peer("/usr/sbin/in.tftpd", "--foreground", "--address", f"{address}:69", "--secure", files)
        local = "".join(f"{int(part):02X}" for part in reversed(address.split("."))) + ":0045"

        def listens():
            self.assertIsNone(server.child.poll(), server.err)
            return local in pathlib.Path("/proc/net/udp").read_text(encoding="ascii")

        harness.until(listens, "in.tftpd to listen")
        done = self.netlab("scan", "udp", "--host", address, "--range", "69", "--timeout", "5s", "--json")
        found = json.loads(done.lines[0])
        self.assertEqual((found["port"], found["state"], found["reason"]), (69, "open", "reply"))
        self.assertEqual(found["service"], "tftp")
        # RFC 1350 §5: opcode 5, error code 1, its message, a NUL.
        self.assertRegex(found["reply"], r"(?i)file not found")


if __name__ == "__main__":
    harness.main()
