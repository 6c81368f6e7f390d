# SPDX-License-Identifier: MIT
"""Networks for a test: namespaces joined by veth pairs, created and removed by the test. Needs root; isolated."""

import itertools
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cli"))
import harness  # noqa: E402
import simulation  # noqa: E402

_numbers = itertools.count()


def _run(*words, input=None):
    subprocess.run(words, input=input, check=True, capture_output=True, text=True, timeout=harness.DEADLINE)


def _obstacle():
    for program in ("ip", "nft"):
        if shutil.which(program) is None:
            return f"{program} not installed"
    if os.geteuid() != 0:
        return "only root may make network namespaces"
    name = f"netlab-{os.getpid()}-probe"
    try:
        _run("ip", "netns", "add", name)
        try:
            _run("ip", "-n", name, "link", "set", "lo", "up")  # ip(8) fails in a chroot that is not a mount point
        finally:
            _run("ip", "netns", "del", name)
    except subprocess.CalledProcessError as refused:
        return f"network namespaces are refused here: {refused.stderr.strip()}"
    return None


_reason = _obstacle()
needs_namespaces = unittest.skipIf(_reason, _reason or "")


class Namespace:
    def __init__(self, name):
        self.name = name
        self.etc = pathlib.Path("/etc/netns") / name  # ip-netns(8) mounts its files over /etc for `ip netns exec`
        _run("ip", "netns", "add", name)
        self.ip("link", "set", "lo", "up")

    def ip(self, *words):
        _run("ip", "-n", self.name, *words)

    def drop(self, what):
        """Drops incoming packets that match this nftables expression: `ip daddr 192.0.2.10`."""
        _run("ip", "netns", "exec", self.name, "nft", "-f", "-", input=f"""
            add table inet netlab
            add chain inet netlab in {{ type filter hook prerouting priority 0; }}
            add rule inet netlab in {what} drop
        """)

    def limit_resets(self, per_second):
        """Limits the resets that the host sends per second, as FreeBSD does."""
        _run("ip", "netns", "exec", self.name, "nft", "-f", "-", input=f"""
            add table inet netlab
            add chain inet netlab out {{ type filter hook output priority 0; }}
            add rule inet netlab out tcp flags rst limit rate over {per_second}/second burst 50 packets drop
        """)

    def reject(self, what, how):
        """Rejects packets that match this nftables expression: `tcp dport 5`, `icmpx admin-prohibited` or `tcp
        reset`."""
        _run("ip", "netns", "exec", self.name, "nft", "-f", "-", input=f"""
            add table inet netlab
            add chain inet netlab refuse {{ type filter hook input priority 0; }}
            add rule inet netlab refuse {what} reject with {how}
        """)

    def set(self, name, value):
        """Sets a sysctl of this namespace: `net.ipv4.icmp_ratelimit`."""
        _run("ip", "netns", "exec", self.name, "sysctl", "-q", "-w", f"{name}={value}")

    def file(self, name, text):
        self.etc.mkdir(parents=True, exist_ok=True)
        (self.etc / name).write_text(text)

    def argv(self, *words):
        return ["ip", "netns", "exec", self.name, *map(str, words)]

    def remove(self):
        shutil.rmtree(self.etc, ignore_errors=True)
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True, check=False)


class World(harness.Case):
    """Two hosts, `near` (192.0.2.1, 2001:db8::1) and `far` (.2, ::2), on one wire; addresses for documentation."""

    def setUp(self):
        self.simulation = None
        number = next(_numbers)
        self.near = Namespace(f"netlab-{os.getpid()}-{number}a")
        self.addCleanup(self.near.remove)
        self.far = Namespace(f"netlab-{os.getpid()}-{number}b")
        self.addCleanup(self.far.remove)
        self.near.ip("link", "add", "wire", "type", "veth", "peer", "name", "wire", "netns", self.far.name)
        for host, last in ((self.near, 1), (self.far, 2)):
            host.ip("addr", "add", f"192.0.2.{last}/24", "dev", "wire")
            host.ip("addr", "add", f"2001:db8::{last}/64", "dev", "wire", "nodad")
            host.ip("link", "set", "wire", "up")

    def netlab_in(self, host, *words, status=harness.DONE, **how):
        done = harness.run(host.argv(harness.NETLAB, *words), **how)
        self.assertEqual(done.status, status, f"netlab {' '.join(map(str, words))}\n{done.out}{done.err}")
        return done

    def services_in(self, host, *words):
        """Starts services for a scan: addresses, then `tcp:7=echo`; see services.py."""
        script = pathlib.Path(__file__).with_name("services.py")
        process = harness.Process(host.argv(sys.executable, "-B", script, *words))
        self.addCleanup(process.kill)
        process.until_out("ready")
        return process

    def slow_link(self, *how):
        """A second link between the two, 198.51.100.1 to .2 and 2001:db8:1::1 to ::2, with the options of
        forward.cpp."""
        forward = os.environ.get("NETLAB_FORWARD")
        if not forward:
            self.skipTest("NETLAB_FORWARD is not set: the path of the built forward.cpp")
        if not os.path.exists("/dev/net/tun"):
            self.skipTest("no /dev/net/tun here, of which the slow link is made")
        process = harness.Process([forward, *map(str, how), self.near.name, self.far.name])
        self.addCleanup(process.kill)
        process.until_out("ready")
        for host, last in ((self.near, 1), (self.far, 2)):
            host.ip("addr", "add", f"198.51.100.{last}/24", "dev", "slow")
            host.ip("addr", "add", f"2001:db8:1::{last}/64", "dev", "slow", "nodad")
        return process

    def simulate(self, rules):
        """A network of simulated hosts on `sim`, a device of `near`, within 198.18.0.0/15 and 2001:db8:18::/48, in
        which `near` is 198.18.0.254 and ::fffe. Rules: see simulated/rules.hpp."""
        if not os.environ.get("NETLAB_SIMULATED"):
            self.skipTest("NETLAB_SIMULATED is not set: the path of the built test/netns/simulated")
        if not os.path.exists("/dev/net/tun"):
            self.skipTest("no /dev/net/tun here, of which the simulated network is made")
        if self.simulation:
            self.simulation.process.stop()  # a case may have several, one after the other
        self.simulation = simulation.Simulation(rules, self.near, self.scratch())
        self.addCleanup(self.simulation.process.kill)
        return self.simulation

    def serve_in(self, host, *words, lines):
        server = harness.Server(host.argv(harness.NETLAB, *words), lines)
        self.addCleanup(server.kill)
        return server
