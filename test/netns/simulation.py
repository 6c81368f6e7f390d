# SPDX-License-Identifier: MIT
"""A simulated network of hosts (simulated/rules.hpp describes the rules), and the states that a scan must find."""

import collections
import ipaddress
import os
import pathlib
import time

import harness

# The correct scan results for the states in the rules.
TCP_TRUTH = {"open": ("open", "syn-ack"), "closed": ("closed", "reset"), "silent": ("filtered", "no-response")}
UDP_TRUTH = {"open": ("open", "reply"), "closed": ("closed", "port-unreachable"),
             "port-unreachable": ("closed", "port-unreachable"), "silent": ("open|filtered", "no-response")}

# A TCP segment or a datagram that a host received, `at` seconds after the network was ready.
Packet = collections.namedtuple("Packet", "at proto source source_port host port flags")


def ports_of(text):
    for piece in text.split(","):
        first, dash, last = piece.partition("-")
        yield from range(int(first or 1), int(last or (65535 if dash else first)) + 1)


def addresses_of(text):
    for piece in text.split(","):
        first, dash, last = piece.partition("-")
        if not dash:
            yield from map(str, ipaddress.ip_network(first))
            continue
        first = ipaddress.ip_address(first)
        last = int(ipaddress.ip_address(last)) if set(".:") & set(last) else int(first) // 256 * 256 + int(last)
        yield from (str(first + more) for more in range(last - int(first) + 1))


class Truth:
    """The state of each port of each host, from the rules."""

    def __init__(self, rules):
        self.hosts = {}  # address -> (proto, port) -> state
        for line in rules.splitlines():
            words = line.partition("#")[0].split()
            if words[:1] == ["host"]:
                here = {}
                self.hosts.update(dict.fromkeys(addresses_of(words[1]), here))
            elif words[:1] in (["tcp"], ["udp"]):
                here.update(dict.fromkeys(((words[0], port) for port in ports_of(words[1])), words[2]))

    def states(self, host, ports, proto="tcp"):
        """port -> (state, reason), as in Scan.states()."""
        known = TCP_TRUTH if proto == "tcp" else UDP_TRUTH
        here = self.hosts.get(host)
        states = {port: "silent" if here is None else here.get((proto, port), "closed") for port in ports}
        return {port: known.get(state, ("filtered", state)) for port, state in states.items()}


class Simulation(Truth):
    """The running program in the namespace; `scratch` is a directory for its files."""

    def __init__(self, rules, namespace, scratch):
        super().__init__(rules)
        self.log = pathlib.Path(scratch) / "packets"
        file = pathlib.Path(scratch) / "rules"
        file.write_text(rules)
        self.process = harness.Process([os.environ["NETLAB_SIMULATED"], "--log", str(self.log), str(file),
                                        namespace.name])
        self.process.until_out("ready")
        self.began = time.monotonic()
        for address in ("198.18.0.254/15", "2001:db8:18::fffe/48"):
            namespace.ip("addr", "add", address, "dev", "sim", *(["nodad"] if ":" in address else []))

    def packets(self):
        """The packets that the hosts have received so far."""
        for line in self.log.read_text().splitlines(keepends=True):
            if not line.endswith("\n"):
                return  # the last line is being written
            at, proto, source, source_port, host, port, flags = line.split()
            yield Packet(int(at) / 1e6, proto, source, int(source_port), host, int(port), flags)

    def probes(self, proto="tcp"):
        """The SYNs received, including a kernel's retransmissions, or the datagrams."""
        return [one for one in self.packets() if one.proto == proto and one.flags in ("S", "-")]
