# SPDX-License-Identifier: MIT
"""Names, addresses and loss that need a network of their own."""

import subprocess
import time

import world  # first: it sets the path to harness

import harness
from harness import NO_HOST, TRY_LATER, UNAVAILABLE, main


@world.needs_namespaces
class Names(world.World):
    def test_deadline_of_a_silent_name_server(self):
        """resolve: a name server that never answers costs the timeout and not more"""
        self.near.file("resolv.conf", "nameserver 192.0.2.2\noptions timeout:30 attempts:5\n")
        self.near.file("nsswitch.conf", "hosts: files dns\n")
        self.far.drop("udp dport 53")
        begin = time.monotonic()
        done = self.netlab_in(self.near, "calc", "query", "--host", "lab.example", "--timeout", "300ms", "sum", "1",
                              status=TRY_LATER)
        # The name service would take 150 s; the limit only rules that out and does not measure time.
        self.assertLess(time.monotonic() - begin, 60)
        self.assert_one_error(done, says="resolve lab.example: timed out")

    def test_unknown_name(self):
        """resolve: a name that does not exist is no such host"""
        self.near.file("nsswitch.conf", "hosts: files\n")
        done = self.netlab_in(self.near, "calc", "query", "--host", "nowhere.example", "sum", "1", status=NO_HOST)
        self.assert_one_error(done, says="resolve nowhere.example: no such host")

    def test_name_outside_ascii(self):
        """resolve: a name outside ASCII is looked up in A-labels, whoever asks; a symbol is in no name"""
        server = self.serve_in(self.far, "calc", "serve", "--tcp", "--bind", "192.0.2.2", "--port", "0", lines=1)
        self.near.file("nsswitch.conf", "hosts: files\n")
        self.near.file("hosts", "192.0.2.2 xn--bcher-kva.example\n")
        for name in ("bücher.example", "ＢÜcher.example", "bu\u0308cher.example"):
            done = self.netlab_in(self.near, "calc", "query", "--host", name, "--port", server.port, "sum", "20", "22")
            self.assertEqual(done.out, "42\n")
            done = self.netlab_in(self.near, "connect", f"{name}:{server.port}", input="sum 20 22\n")
            self.assertEqual(done.out, "42\n")
            done = self.netlab_in(self.near, "scan", "--host", name, "--range", server.port)
            self.assertIn("192.0.2.2", done.out)
        done = self.netlab_in(self.near, "calc", "query", "--host", "☕.example", "sum", "1", status=NO_HOST)
        self.assert_one_error(done, says="resolve ☕.example: domain '☕.example' is not a domain name (IDNA 2008)")

    def test_dead_first_address(self):
        """dial: an address that does not answer does not keep the next one from being tried"""
        server = self.serve_in(self.far, "calc", "serve", "--bind", "192.0.2.2", "--port", "0", lines=2)
        # As close as .2; otherwise getaddrinfo(3) would list it later (RFC 6724 §6, rule 9).
        self.far.ip("addr", "add", "192.0.2.3/24", "dev", "wire")
        self.far.drop("ip daddr 192.0.2.3")
        self.near.file("nsswitch.conf", "hosts: files\n")
        self.near.file("hosts", "192.0.2.3 two.example\n192.0.2.2 two.example\n")
        done = self.netlab_in(self.near, "calc", "query", "-v", "--host", "two.example", "--port", server.port,
                              "--timeout", "30s", "sum", "20", "22")
        self.assertEqual(done.out, "42\n")
        self.assertIn(f"-> 192.0.2.2:{server.port}", done.err)

    def test_dead_only_address(self):
        """dial: a host that is switched off is a timeout"""
        self.far.drop("ip daddr 192.0.2.2")
        done = self.netlab_in(self.near, "calc", "query", "--host", "192.0.2.2", "--timeout", "300ms", "sum", "1",
                              status=TRY_LATER)
        self.assert_one_error(done, says="connect 192.0.2.2:50000: timed out")


@world.needs_namespaces
class LocalPorts(world.World):
    def test_none_left(self):
        """dial: where every local port is in use, that is said, and not that an address is missing"""
        self.near.set("net.ipv4.ip_local_port_range", "40000 40001")
        server = self.serve_in(self.far, "calc", "serve", "--bind", "192.0.2.2", "--port", "0", lines=2)
        words = ["calc", "query", "--host", "192.0.2.2", "--port", server.port, "sum", "1"]
        held = [harness.Process(self.near.argv(harness.NETLAB, "connect", "192.0.2.2", server.port), stdin=subprocess.PIPE)
                for _ in range(2)]
        for each in held:
            self.addCleanup(each.kill)
        self.far_has_accepted(server.port, 2)
        for more in ([], ["--bind", "192.0.2.1"]):
            done = self.netlab_in(self.near, *words, *more, status=UNAVAILABLE)
            self.assert_one_error(done, says="all local ports are in use (net.ipv4.ip_local_port_range")
            self.assertIn("TIME_WAIT", done.err)
        self.near.ip("addr", "del", "2001:db8::1/64", "dev", "wire")
        done = self.netlab_in(self.near, "calc", "query", "--host", "2001:db8::2", "--port", server.port, "sum", "1",
                              status=UNAVAILABLE)
        self.assertNotIn("local ports", done.err)

    def far_has_accepted(self, port, count):
        def seen():
            shown = harness.run(self.far.argv(harness.NETLAB, "sockets", "--tcp", "--port", port))
            return shown.out.count("established") >= count
        harness.until(seen, "the connections that hold the ports")


@world.needs_namespaces
class Datagrams(world.World):
    def test_wildcard_answers_from_the_address_asked(self):
        """calc serve: a wildcard socket answers from the address that was asked, of several"""
        for address in ("192.0.2.20/24", "2001:db8::20/64"):
            self.far.ip("addr", "add", address, "dev", "wire", *(["nodad"] if ":" in address else []))
        server = self.serve_in(self.far, "calc", "serve", "--udp", "--bind", "any", "--port", "0", lines=2)
        for host in ("192.0.2.20", "2001:db8::20"):
            done = self.netlab_in(self.near, "calc", "query", "--udp", "--host", host, "--port", server.port,
                                  "--timeout", "30s", "max", "1", "2")
            self.assertEqual(done.out, "2\n")

    def test_link_local(self):
        """calc serve: a link-local address is asked with its interface, and answers"""
        server = self.serve_in(self.far, "calc", "serve", "--bind", "any", "--port", "0", lines=4)
        self.near.ip("addr", "add", "fe80::1/64", "dev", "wire", "nodad")
        self.far.ip("addr", "add", "fe80::2/64", "dev", "wire", "nodad")
        for transport in ("--tcp", "--udp"):
            done = self.netlab_in(self.near, "calc", "query", transport, "--host", "fe80::2%wire", "--port",
                                  server.port, "--timeout", "30s", "min", "1", "2")
            self.assertEqual(done.out, "1\n")

    def test_unreachable(self):
        """calc query, echo query, connect: over UDP, that a host or net is unreachable ends with 69 and says so"""
        self.far.set("net.ipv4.icmp_ratelimit", 0)
        self.far.set("net.ipv6.icmp.ratelimit", 0)
        self.far.reject("udp dport 1001", "icmpx host-unreachable")
        self.far.reject("udp dport 1002", "icmpx no-route")
        self.far.reject("udp dport 1003", "icmpx admin-prohibited")
        for host in ("192.0.2.2", "2001:db8::2"):
            for port, says in ((1001, "no route to host"), (1002, "is unreachable|no route to host"),
                               (1003, "no route to host")):
                for retries in ("0", "1"):
                    for words in (("calc", "query", "sum", "1"), ("echo", "query", "x")):
                        done = self.netlab_in(self.near, *words[:2], "--udp", "--host", host, "--port", port, "--timeout",
                                              "30s" if retries == "0" else "200ms", "--retries", retries, *words[2:],
                                              status=UNAVAILABLE)
                        self.assertRegex(done.err, rf"^netlab {words[0]} query: \S+:{port}: [a-z ]*({says})\n$")
                done = self.netlab_in(self.near, "connect", "udp", "--idle-timeout", "30s", host, port, input="x",
                                      status=UNAVAILABLE)
                self.assertRegex(done.err, rf"^netlab connect: \S+:{port}: [a-z ]*({says})\n$")

    def test_unreachable_for_a_while(self):
        """calc query, echo query: over UDP, a host that is unreachable at first is asked again"""
        self.far.set("net.ipv4.icmp_ratelimit", 0)
        for service, words in (("calc", ("sum", "1")), ("echo", ("1",))):
            server = self.serve_in(self.far, service, "serve", "--udp", "--bind", "192.0.2.2", "--port", "0", lines=1)
            self.far.reject(f"udp dport {server.port} numgen inc mod 2 == 0", "icmpx host-unreachable")
            done = self.netlab_in(self.near, service, "query", "--udp", "--host", "192.0.2.2", "--port", server.port,
                                  "--timeout", "10s", "--retries", "20", *words)
            self.assertEqual(done.out, "1\n")

    def test_unreachable_first_address(self):
        """calc query, echo query: over UDP, an unreachable address does not keep the next one from being asked"""
        # As close as .2; otherwise getaddrinfo(3) would list it later (RFC 6724 §6, rule 9).
        self.far.set("net.ipv4.icmp_ratelimit", 0)
        self.far.ip("addr", "add", "192.0.2.3/24", "dev", "wire")
        self.far.reject("ip daddr 192.0.2.3", "icmpx host-unreachable")
        self.near.file("nsswitch.conf", "hosts: files\n")
        self.near.file("hosts", "192.0.2.3 two.example\n192.0.2.2 two.example\n")
        for service, words in (("calc", ("sum", "1")), ("echo", ("1",))):
            server = self.serve_in(self.far, service, "serve", "--udp", "--bind", "192.0.2.2", "--port", "0", lines=1)
            done = self.netlab_in(self.near, service, "query", "--udp", "--host", "two.example", "--port", server.port,
                                  "--timeout", "1s", "--retries", "0", *words)
            self.assertEqual(done.out, "1\n")

    def test_loss(self):
        """calc query: over UDP, every second datagram lost is made up for by sending again"""
        server = self.serve_in(self.far, "calc", "serve", "--udp", "--bind", "192.0.2.2", "--port", "0", lines=1)
        self.far.drop("udp dport != 53 numgen inc mod 2 == 0")
        lines = "".join(f"sum {number} 1\n" for number in range(40))
        done = self.netlab_in(self.near, "calc", "query", "--udp", "--host", "192.0.2.2", "--port", server.port,
                              "--pipeline", "3", "--retries", "20", "--timeout", "10s", input=lines)
        self.assertEqual(done.lines, [str(number + 1) for number in range(40)])


if __name__ == "__main__":
    main()
