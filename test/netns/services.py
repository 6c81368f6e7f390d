# SPDX-License-Identifier: MIT
"""A host with services, to be scanned: services.py ADDRESS... tcp:PORT[=DOING] udp:PORT[=DOING] ...; prints `ready`.

PORT is a port or a range. TCP services: silent (the default), echo, close (at once), flood (endless octets), escape (a
banner that would affect a terminal), banner:TEXT, late:TEXT (a second after the connection). UDP services: echo (the
default), deaf (receives datagrams, never answers), answer:TEXT, elsewhere:TEXT (from another port), only:HEX (echoes
datagrams that begin with these octets).
"""

import resource
import selectors
import socket
import sys
import time


IP_PKTINFO = getattr(socket, "IP_PKTINFO", 8)  # new in Python 3.14
IPV6_FREEBIND = 78  # answers from any address that is routed to this host


class Services:
    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.timers = []

    def watch(self, source, events, act):
        source.setblocking(False)
        self.selector.register(source, events, act)

    def forget(self, source):
        self.selector.unregister(source)
        source.close()

    def open(self, address, transport, port, doing):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        kind = socket.SOCK_STREAM if transport == "tcp" else socket.SOCK_DGRAM
        source = socket.socket(family, kind)
        source.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            source.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        source.bind((address, port))
        if transport == "tcp":
            source.listen(1024)
            self.watch(source, selectors.EVENT_READ, lambda: self.accept(source, doing))
        else:
            # An answer comes from the address that was asked, even if the socket is bound to all of them.
            if family == socket.AF_INET6:
                source.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
                source.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)
            else:
                source.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
            self.watch(source, selectors.EVENT_READ, lambda: self.datagram(source, doing))

    def accept(self, listener, doing):
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            name, _, text = doing.partition(":")
            if name == "close":
                peer.close()
                continue
            if name in ("banner", "escape"):
                peer.send(text.encode() + b"\r\n" if name == "banner" else b"\x1b]0;mine\x07\x1b[2J\xff\r\n")
            elif name == "late":
                self.timers.append((time.monotonic() + 1, lambda peer=peer: self.say(peer, text.encode() + b"\r\n")))
            if name == "flood":
                self.watch(peer, selectors.EVENT_READ | selectors.EVENT_WRITE, lambda peer=peer: self.flood(peer))
            else:
                self.watch(peer, selectors.EVENT_READ, lambda peer=peer: self.talk(peer, name))

    def say(self, peer, octets):
        try:
            peer.send(octets)
        except OSError:
            pass

    def flood(self, peer):
        try:
            peer.send(b"x" * 65536)
        except BlockingIOError:
            pass
        except OSError:
            self.forget(peer)

    def talk(self, peer, name):
        try:
            octets = peer.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            octets = b""
        if not octets:
            self.forget(peer)
        elif name == "echo":
            self.say(peer, octets)

    def datagram(self, source, doing):
        while True:
            try:
                octets, asked, _, sender = source.recvmsg(65536, 256)
            except OSError:
                return
            name, _, text = doing.partition(":")
            if name == "only" and not octets.startswith(bytes.fromhex(text)):
                continue
            if name in ("echo", "answer", "only"):
                try:
                    source.sendmsg([text.encode() if name == "answer" else octets], asked, 0, sender)
                except OSError:
                    pass  # the buffer is full: the answer is lost
            elif name == "elsewhere":
                with socket.socket(source.family, socket.SOCK_DGRAM) as other:
                    other.bind((source.getsockname()[0], 0))
                    other.sendto(text.encode(), sender)

    def run(self):
        while True:
            now = time.monotonic()
            due = [timer for timer in self.timers if timer[0] <= now]
            self.timers = [timer for timer in self.timers if timer[0] > now]
            for _, act in due:
                act()
            wait = min((at for at, _ in self.timers), default=now + 60) - now
            for key, _ in self.selector.select(max(0, wait)):
                key.data()


def main():
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    services = Services()
    addresses = [word for word in sys.argv[1:] if word[:4] not in ("tcp:", "udp:")]
    for word in sys.argv[1:]:
        if word in addresses:
            continue
        transport, rest = word.split(":", 1)
        ports, _, doing = rest.partition("=")
        first, _, last = ports.partition("-")
        for port in range(int(first), int(last or first) + 1):
            for address in addresses:
                services.open(address, transport, port, doing or ("silent" if transport == "tcp" else "echo"))
    print("ready", flush=True)
    services.run()


if __name__ == "__main__":
    main()
