# SPDX-License-Identifier: MIT
"""What users of other programs type, and netlab's suggestions: the option, command or spelling that was meant, with its
value if there is one, and never a guess. Nothing is scanned, sent or served in these cases."""

import json
import socket
import unittest

import harness
from harness import BAD_DATA, CONFIG, PROTOCOL, UNAVAILABLE, USAGE, main

# The typed words, and what the answer contains (any of several: all of a tuple).
EXIT_USAGE = [
    # calc
    ("calc serve 4711", "--port 4711"),
    ("echo serve 10007", "--port 10007"),
    ("mail sink 2525", "--port 2525"),
    ("calc sum 1 2 3", "did you mean netlab calc query sum 1 2 3?"),
    ("tour", "did you mean netlab lab tour?"),
    ("serve", ("netlab lab serve", "netlab calc serve", "netlab echo serve")),
    ("query", ("netlab calc query", "netlab echo query")),
    ("sink", "did you mean netlab mail sink?"),
    ("telnet", "did you mean netlab connect?"),
    ("nc", "did you mean netlab connect?"),
    ("netstat", "did you mean netlab sockets?"),
    ("nmap", "did you mean netlab scan?"),
    ("portscan", "did you mean netlab scan?"),
    ("calc query -p 4711", "did you mean --port?"),
    ("connect -p 4711", "netlab connect HOST PORT"),
    ("calc query localhost 4711 sum 1", "(--host localhost --port 4711)"),
    ("calc query localhost:4711 sum 1", "(--host localhost --port 4711)"),
    ("calc query —port 4711 sum 1", ("long dash", "write --port")),
    ("calc serve --host 127.0.0.1", "did you mean --bind?"),
    ("calc query --endian little sum 1", "did you mean --byte-order?"),
    ("calc bench localhost:50000", "(--host localhost --port 50000)"),
    ("calc bench --clients 10", "did you mean --connections?"),
    ("calc bench -c 10", "did you mean --connections?"),
    # scan
    ("scan 127.0.0.1 4711", "(--range 4711)"),
    ("scan 127.0.0.1 1-50", "(--range 1-50)"),
    ("scan --top-ports 10", "did you mean --top?"),
    ("scan -sT 127.0.0.1", "netlab scan tcp"),
    ("scan -sU 127.0.0.1", "netlab scan udp"),
    ("scan -Pn 127.0.0.1", "not needed"),
    ("scan -T4 127.0.0.1", "--rate"),
    ("scan --open 127.0.0.1", "--all"),
    ("scan --range 4711 -oX f.xml 127.0.0.1", "--format nmap-xml -o FILE"),
    ("scan http://localhost/", ("is a URL", "write localhost")),
    # connect
    ("connect --host localhost --port 4711", "netlab connect HOST PORT"),
    ("connect -l 4711", "netlab echo serve"),
    ("connect -z localhost 1-50", "netlab scan"),
    ("connect -w 3 localhost 1", "did you mean --timeout?"),
    ("connect -k localhost 1", ("--insecure", "netlab echo serve")),
    ("connect -s 127.0.0.1 localhost 1", "did you mean --bind?"),
    ("connect -C localhost 1", "did you mean --crlf?"),
    ("connect localhost 0", "a port is 1 to 65535"),
    ("connect localhost 65536", "a port is 1 to 65535"),
    ("connect --cacert ca.pem localhost 1", "did you mean --ca-file?"),
    ("connect --servername x localhost 1", "did you mean --sni?"),
    ("connect --unix /run/x", "not supported"),
    ("connect https://localhost:4711", ("is a URL", "write localhost:4711", "--tls")),
    # sockets
    ("sockets 4711", "(--port 4711)"),
    ("sockets listen", "(--listen)"),
    ("sockets --pid 1", "did you mean --process?"),
    ("sockets --state listen", "did you mean --listen?"),
    ("sockets -a", "--listen"),
    # mail
    ("mail send ben@example.org --body x", "(--to ben@example.org)"),
    ("mail send --port 25", "--server HOST:PORT"),
    ("mail send --text x", "did you mean --body?"),
    ("mail send -s X", "did you mean --subject?"),
    ("mail send --server smtps://localhost --to a@example.org --body x", ("--server localhost", "--tls implicit")),
    # lab and netlab itself
    ("lab serve --port 50000", "did you mean --calc-port?"),
    ("lab tour 2", "(--chapter 2)"),
    ("calc -v query sum 1", ("options go after the subcommand", "netlab calc query -v")),
    ("echo -p 7 hello", "options go after the subcommand"),
]

# More of the same kinds.
MORE = [
    ("calc serve 127.0.0.1:4711", "(--bind 127.0.0.1 --port 4711)"),
    ("calc serve localhost", "(--bind 127.0.0.1)"),
    ("echo serve ::1", "(--bind ::1)"),
    ("echo serve http", "(--port http)"),
    ("calc serve –-port 1", "write --port"),
    ("calc bench −c 5", "write -c"),
    ("calc bench 10s", "(--duration 10s)"),
    ("calc bench --requests 1000", "did you mean --duration?"),
    ("calc query 127.0.0.1 sum 1", "(--host 127.0.0.1)"),
    ("calc query [::1]:4711 sum 1", "(--host ::1 --port 4711)"),
    ("calc query 4711 sum 1", "(--port 4711)"),
    ("calc query --host http://localhost:80/ sum 1", ("is a URL", "write localhost")),
    ("calc query --ip 127.0.0.1 sum 1", "did you mean --host?"),
    ("calc query --src 127.0.0.1 sum 1", "did you mean --bind?"),
    ("calc product 2 3", "did you mean netlab calc query pro?"),
    ("calc listen", "did you mean netlab calc serve?"),
    ("calc 4711", ("netlab calc serve --port 4711", "netlab calc query --port 4711")),
    ("pro 2 3", "did you mean netlab calc query pro 2 3?"),
    ("mail ben@example.org", ("did you mean netlab mail send --to ben@example.org", "or netlab mail wait --to ben@example.org?")),
    ("mail smtpd", "did you mean netlab mail sink?"),
    ("lab start", "did you mean netlab lab serve?"),
    ("ncat", "did you mean netlab connect?"),
    ("openssl", "did you mean netlab connect?"),
    ("ss", "did you mean netlab sockets?"),
    ("lsof", "did you mean netlab sockets?"),
    ("swaks", "did you mean netlab mail send?"),
    ("bench", "did you mean netlab calc bench?"),
    ("localhost 4711", "did you mean netlab connect localhost 4711?"),
    ("localhost:4711", "did you mean netlab connect localhost:4711?"),
    ("192.0.2.0/24", "did you mean netlab scan 192.0.2.0/24?"),
    ("ben@example.org", "did you mean netlab mail send --to ben@example.org?"),
    ("—version", "write --version"),
    ("scan localhost 80,443", "(--range 80,443)"),
    ("scan 22", "(--range 22)"),
    ("scan -p22,80 127.0.0.1", "did you mean --range?"),
    ("scan -sV 127.0.0.1", "versions"),
    ("scan -iL hosts", "--host @FILE"),
    ("scan -oG f 127.0.0.1", "--format grepable -o FILE"),
    ("scan -oN f 127.0.0.1", "write -o FILE"),
    ("scan --max-retries 1 127.0.0.1", "did you mean --retries?"),
    ("scan --host https://[::1]:8443/x", ("is a URL", "write ::1")),
    ("scan — 127.0.0.1", "long dash"),
    ("connect -starttls smtp localhost 25", "did you mean --starttls?"),
    ("connect -CAfile ca.pem localhost 1", "did you mean --ca-file?"),
    ("connect -connect localhost:443", "netlab connect HOST PORT"),
    ("connect -zv localhost 22", "netlab scan"),
    ("connect --ssl localhost 443", "did you mean --tls?"),
    ("connect --proxy x localhost 1", "not supported"),
    ("connect 4711", "netlab connect localhost 4711"),
    ("connect localhost", "netlab connect localhost PORT"),
    ("connect imaps://localhost", ("write localhost:993", "--tls")),
    ("connect localhost nosuchservice", "the name of a service"),
    ("connect localhost:0", "a port is 1 to 65535"),
    ("sockets 80,443", "(--port 80,443)"),
    ("sockets netlab", "(--process netlab)"),
    ("sockets http", "(--port http)"),
    ("sockets -t", "did you mean --tcp?"),
    ("sockets --dport 80", "did you mean --port?"),
    ("mail send --to ben@example.org --smtp localhost", "did you mean --server?"),
    ("mail send localhost 25", "(--server localhost:25)"),
    ("mail send localhost:25", "(--server localhost:25)"),
    ("mail send --password x", "--password-file"),
    ("mail send --rcpt-to a@example.org", "did you mean --to?"),
    ("mail send -f a@example.org", "did you mean --from?"),
    ("mail send --tls-on-connect", "--tls implicit"),
    ("mail send –to a@example.org", "write --to"),
    ("mail sink --dir /tmp", "did you mean --maildir?"),
    ("mail sink --listen 25", "did you mean --port?"),
    ("mail wait --rcpt ann@example.org", "did you mean --to?"),
    ("mail wait --sender ann@example.org", "did you mean --from?"),
    ("mail await", "did you mean netlab mail wait?"),
    ("lab serve 50000", "(--calc-port 50000)"),
    ("lab serve echo", "(--only echo)"),
    ("lab tour --step 3", "did you mean --chapter?"),
    ("base64 --decoed aGk=", "did you mean --decode?"),
    ("base64 —decode aGk=", "write --decode"),
]


class Words(harness.Case):
    def answers(self, typed, says, status=USAGE):
        with self.subTest(typed):
            done = self.refused(*typed.split(), status=status)
            for part in (says if isinstance(says, tuple) else (says,)):
                self.assertIn(part, done.err)

    def test_every_row(self):
        """words: what others call it, a stray argument, a long dash, a URL: the answer names the way"""
        for typed, says in EXIT_USAGE:
            self.answers(typed, says)

    def test_of_their_kind(self):
        """words: likewise what is in no list, but of the same kinds"""
        for typed, says in MORE:
            self.answers(typed, says)

    def test_no_guesses(self):
        """words: a short word that is near nothing by meaning gets no guess"""
        for typed in ("calc query --xyz 1 sum 1", "mail send --qq", "connect --zz localhost 1", "scan --ab"):
            with self.subTest(typed):
                self.assertNotIn("did you mean", self.refused(*typed.split()).err)

    def test_operations(self):
        """words: other names of an operation lead to it"""
        for typed, meant in (("product", "PRO"), ("mul", "PRO"), ("times", "PRO"), ("add", "SUM"), ("plus", "SUM"),
                             ("minimum", "MIN"), ("largest", "MAX")):
            self.answers(f"calc query {typed} 2 3", f"did you mean {meant}?", status=BAD_DATA)
        self.answers("calc query div 2 3", "(SUM, PRO, MIN or MAX)", status=BAD_DATA)

    def test_help(self):
        """words: help netlab, and help after a command without subcommands, are help"""
        self.assertEqual(self.netlab("help", "netlab").out, self.netlab("help").out)
        for command in ("scan", "connect", "sockets"):
            self.assertEqual(self.netlab(command, "help").out, self.netlab("help", command).out)
        self.assertEqual(self.netlab("base64", "help").out, "aGVscA==\n")

    def test_text_stays_text(self):
        """words: where any text may stand, a dash, a URL or a port is text"""
        echo = self.serve(service="echo")
        for words in (["—", "hello"], ["http://localhost/"], ["4711"], ["–7"]):
            self.assertEqual(self.netlab("echo", "query", "--port", echo.port, *words).out, " ".join(words) + "\n")
        self.assertEqual(self.netlab("base64", "—").out, "4oCU\n")
        calc = self.serve()
        self.answers(f"calc query --port {calc.port} sum −5 3", "write -5")

    def test_mail(self):
        """words: a header that is an option, a list with semicolons"""
        words = ["mail", "send", "--to", "a@example.org", "--body", "x"]
        self.refused(*words, "--header", "Subject:foo", status=BAD_DATA, says="(--subject)")
        self.refused(*words, "--header", "to: x@example.org", status=BAD_DATA, says="(--to)")
        self.refused("mail", "send", "--to", "a@example.org;b@example.org", "--body", "x", status=BAD_DATA,
                     says="separate addresses with a comma")


class Services(harness.Case):
    """A service's name may stand wherever a port may."""

    def test_range(self):
        """services: --range takes names, with numbers and ranges beside them"""
        done = self.netlab("scan", "--host", "127.0.0.1", "--range", "ssh,http,7,netbios-ns,IMAPS", "--all", "--json")
        self.assertEqual(sorted(json.loads(line)["port"] for line in done.lines[:-1]), [7, 22, 80, 137, 993])
        self.refused("scan", "--range", "nosuchservice", says="neither a number nor the name of a service")

    def test_connect(self):
        """services: connect HOST NAME and HOST:NAME"""
        for words in (["127.0.0.1", "echo"], ["127.0.0.1:echo"]):
            done = self.netlab("connect", "--timeout", "5s", *words, status=None)
            if done.status:
                self.assertIn("connect 127.0.0.1:7: connection refused", done.err)

    def test_others(self):
        """services: sockets, servers and clients take names"""
        self.netlab("sockets", "--port", "http,netbios-ns,1-5")
        self.refused("sockets", "--port", "nosuchservice", says="the name of a service")
        done = self.netlab("calc", "query", "--port", "echo", "sum", "1", status=None)
        self.assertIn("127.0.0.1:7", done.err)
        done = self.netlab("mail", "send", "--server", "127.0.0.1:submission", "--to", "a@example.org", "--body", "x", status=None)
        self.assertIn("127.0.0.1:587", done.err)


class Tls(harness.Case):
    def test_echo(self):
        """connect: --tls at an echo service says that our own hello came back"""
        echo = self.serve("--tcp", service="echo")
        self.refused("connect", "--tls", "127.0.0.1", echo.port, status=PROTOCOL, says="an echo service sent our own hello back")

    def at(self, port, talk):
        """A server at a low port of a separate address; skips if that is not permitted."""
        try:
            listener = socket.create_server(("127.41.7.3", port))
        except PermissionError as refused:
            raise unittest.SkipTest(f"port {port}: {refused}") from refused
        self.addCleanup(listener.close)
        self.serve_at(listener, talk)

    @staticmethod
    def serve_at(listener, talk):
        def serve():
            while True:
                try:
                    peer, _ = listener.accept()
                    with peer:
                        peer.settimeout(harness.DEADLINE)
                        talk(peer)
                except OSError:
                    return

        harness.threading.Thread(target=serve, daemon=True).start()

    def test_starttls(self):
        """connect: --tls where a protocol begins in clear names --starttls, and the other way round"""
        def greet(peer):
            peer.sendall(b"220 mail.example ESMTP\r\n")
            while peer.recv(4096):
                pass

        def wait(peer):
            while peer.recv(4096):
                pass

        self.at(587, greet)
        self.refused("connect", "--tls", "127.41.7.3", "587", status=PROTOCOL, says="(try --starttls smtp)")
        self.at(465, wait)
        self.refused("connect", "--starttls", "smtp", "--timeout", "300ms", "127.41.7.3", "465", status=None, says="(try --tls)")


class HeldPorts(harness.Case):
    def test_advice(self):
        """held port: every server says how to see who has it"""
        held = self.serve("--tcp")
        advice = f"netlab sockets --listen --port {held.port}"
        for words in (["calc", "serve"], ["echo", "serve"], ["mail", "sink", "--tls-port", "none", "--state", self.scratch()]):
            self.refused(*words, "--bind", held.address, "--port", held.port, status=UNAVAILABLE, says=advice)
        self.refused("lab", "serve", "--only", "calc", "--bind", held.address, "--calc-port", held.port, status=UNAVAILABLE,
                     says=advice)
        self.refused("connect", "--bind", f"127.0.0.1:{held.port}", "127.0.0.1", held.port, status=UNAVAILABLE,
                     says=f"netlab sockets --port {held.port} shows which process uses it")


class Ignored(harness.Case):
    def test_options(self):
        """ignored: an option without the one that it belongs to is told"""
        self.assertIn("--interval is ignored without --watch", self.netlab("sockets", "--interval", "5s").err)
        self.assertEqual(self.netlab("sockets", "--interval", "5s", "-q").err, "")
        self.assertNotIn("ignored", self.netlab("sockets", env={"NETLAB_SOCKETS_INTERVAL": "5s"}).err)

    def test_variables(self):
        """ignored: a variable NETLAB_... that no option has is told, with the nearest"""
        for name, says in (("NETLAB_CALC_QUERY_PROT", "did you mean NETLAB_CALC_QUERY_PORT?"), ("NETLAB_XYZZY", "no option has this variable")):
            done = self.netlab("base64", "x", env={name: "1"})
            self.assertIn(f"{name} is ignored", done.err)
            self.assertIn(says, done.err)
        self.assertEqual(self.netlab("base64", "x", env={"NETLAB_CALC_QUERY_PORT": "1", "NETLAB_CONFIG": ""}).err, "")


class Processes(harness.Case):
    def test_no_such_process(self):
        """sockets: a process that is not there is told, and a long name is compared as far as the kernel keeps it"""
        self.refused("sockets", "--process", "nosuchprogram", status=UNAVAILABLE, says="15 characters")
        self.refused("sockets", "--process", "2147483647", status=UNAVAILABLE, says="no process has the number")
        program = self.scratch() / "a-program-with-a-long-name"
        program.symlink_to(harness.NETLAB)
        server = harness.Server([str(program), "calc", "serve", "--tcp", "--bind", "127.0.0.1", "--port", "0"], 1,
                                env=harness.environment())
        self.addCleanup(server.kill)
        done = self.netlab("sockets", "--process", program.name, "--listen", "--json")
        self.assertIn(str(server.port), done.out)
        self.assertEqual(self.netlab("sockets", "--process", server.child.pid, "udp").lines[1:], [])


if __name__ == "__main__":
    main()
