# SPDX-License-Identifier: MIT
"""netlab mail sink: who may send what to whom, with and without TLS, and where it is stored."""

import json
import os
import signal
import smtplib
import socket
import stat
import time

import harness
from harness import needs_program, needs_root
from mail_sinking import HELLO, PASSWORD, Sinking, Talk


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


class Ready(Sinking):
    def test_lines(self):
        """the ready lines name the CA, the Maildir and every socket; the key is for its owner alone"""
        server = self.sink()
        self.assertEqual(server.ready[:2], [f"ca {server.ca}", f"maildir {server.box}"])
        self.assertRegex(server.ready[2], r"^listening tcp 127\.0\.0\.1:\d+ starttls$")
        self.assertRegex(server.ready[3], r"^listening tcp 127\.0\.0\.1:\d+ tls$")
        self.assertEqual([mode(server.state), mode(server.state / "ca.key"), mode(server.box)], [0o700, 0o600, 0o700])

    def test_json_lines(self):
        """with --json they are objects"""
        server = self.sink("--json")
        objects = [json.loads(line) for line in server.ready]
        self.assertEqual(objects[0], {"event": "ca", "file": str(server.ca)})
        self.assertEqual(objects[1], {"event": "maildir", "directory": str(server.box)})
        self.assertEqual([(each["event"], each["tls"]) for each in objects[2:]], [("listening", "starttls"), ("listening", "tls")])

    def test_state_is_kept(self):
        """a second start has the same CA and the same certificate"""
        first = self.sink()
        before = {each.name: each.read_bytes() for each in first.state.iterdir() if each.is_file()}
        first.stop()
        second = self.sink(state=first.state)
        self.assertEqual({each.name: each.read_bytes() for each in second.state.iterdir() if each.is_file()}, before)

    def test_default_places(self):
        """without --state and --maildir both are in the user's state directory"""
        home = self.scratch()
        for given, place in (({"XDG_STATE_HOME": home / "state"}, home / "state/netlab"),
                             ({"HOME": home, "XDG_STATE_HOME": None}, home / ".local/state/netlab"),
                             ({"HOME": home, "XDG_STATE_HOME": "relative"}, home / ".local/state/netlab")):
            argv = [harness.NETLAB, "mail", "sink", "--port", "0", "--bind", "127.0.0.1"]
            server = harness.Server(argv, 4, env=harness.environment(given))
            self.addCleanup(server.kill)
            self.assertEqual(server.ready[:2], [f"ca {place}/ca.pem", f"maildir {place}/maildir"])
            server.stop()

    def test_both_families(self):
        """without --bind it listens on both loopback addresses, and --tls-port none is one port less"""
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
            addresses = ["127.0.0.1", "::1"]
        except OSError:
            addresses = ["127.0.0.1"]
        argv = [harness.NETLAB, "mail", "sink", "--port", "0", "--tls-port", "none", "--state", str(self.scratch()), "--discard"]
        server = harness.Server(argv, 1 + len(addresses), env=harness.environment())
        self.addCleanup(server.kill)
        self.assertEqual([address for _, address, _ in server.sockets], addresses)
        self.assertEqual(len({port for _, _, port in server.sockets}), 1)
        for address in addresses:
            self.assertRegex(Talk(self, server.port, host=address).read(), "^220 ")

    def test_ports_taken(self):
        """a port that is taken is named, with the option that changes it"""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            common = ["mail", "sink", "--bind", "127.0.0.1", "--discard", "--state", self.scratch()]
            self.refused(*common, "--port", port, status=harness.UNAVAILABLE, says=f"listen tcp 127.0.0.1:{port}")
            done = self.refused(*common, "--port", 0, "--tls-port", port, status=harness.UNAVAILABLE, says="--tls-port 0")
            self.assertIn(f"listen tcp 127.0.0.1:{port}", done.err)

    def test_broken_state(self):
        """a CA that cannot be used is named with the cure"""
        state = self.scratch()
        key = state / "ca.key"
        key.write_text("scribble")
        key.chmod(0o640)
        command = ["mail", "sink", "--state", state, "--port", 0, "--discard"]
        self.refused(*command, status=harness.NOT_PERMITTED, says="chmod 600")
        key.chmod(0o600)
        done = self.refused(*command, status=harness.BAD_DATA, says="ca.key")
        self.assertIn("remove", done.err)

    @needs_root
    @needs_program("setpriv")
    def test_home_not_writable(self):
        """a home in which nothing may be made: the state directory is named, with why and the cure"""
        home = self.scratch()
        home.chmod(0o555)
        done = self.program(*self.as_nobody(), "mail", "sink", "--port", 0, "--discard", env=harness.environment({"HOME": home}),
                            status=harness.NOT_PERMITTED)
        self.assert_one_error(done, says=f"make the state directory '{home}/.local/state/netlab': permission denied "
                                         "(--state DIR names another directory)")

    @needs_root
    @needs_program("setpriv")
    def test_not_permitted(self):
        """another user's CA is not readable, and a place where nothing may be made is none"""
        nobody = self.as_nobody()
        server = self.sink()
        server.stop()
        for state in (server.state, server.state.parent / "other"):
            done = self.program(*nobody, "mail", "sink", "--state", state, "--port", 0, "--discard", status=harness.NOT_PERMITTED)
            self.assert_one_error(done, says=str(state))

    def test_places_that_are_none(self):
        """a state directory or Maildir that cannot be made is named"""
        file = self.scratch() / "file"
        file.touch()
        self.refused("mail", "sink", "--state", file / "state", "--port", 0, "--discard", status=harness.CANNOT_CREATE,
                     says=str(file))
        self.refused("mail", "sink", "--state", self.scratch(), "--port", 0, "--maildir", file, status=harness.CANNOT_CREATE,
                     says=str(file))

    def test_usage(self):
        """what cannot be meant is refused before anything is opened"""
        for words, says in ((["--require-auth"], "--user"), (["--fault", "nonsense"], "--fault list"), (["--user", ""], "user"),
                            (["--discard", "--maildir", "/x"], "--discard"), (["--max-rate", "often"], "--max-rate"),
                            (["--reject", "no address"], "--reject"), (["--max-size", "big"], "--max-size"),
                            (["--name", "not a name"], "--name"), (["--tls-port", "x"], "--tls-port"), (["word"], "word"),
                            (["--password-file", "/x"], "--user")):
            self.refused("mail", "sink", *words, says=says)

    def test_default_ports(self):
        """the ports are 2525 and 2465, as the help says"""
        text = self.netlab("mail", "sink", "--help").out
        self.assertIn("2525", text)
        self.assertIn("2465", text)


class Delivery(Sinking):
    def test_starttls_and_implicit(self):
        """both kinds of TLS are verified by the CA's file, under each name, and leave a message that says so"""
        server = self.sink()
        for tls in ("starttls", "implicit"):
            self.client(server, tls).sendmail("a@example.org", ["b@example.org", "c@example.net"], HELLO)
        for message in self.messages(server):
            self.assertEqual(message["Return-Path"], "<a@example.org>")
            self.assertEqual(message.get_all("Delivered-To"), ["b@example.org", "c@example.net"])
            self.assertRegex(message["Received"], r"with ESMTPS")
            self.assertEqual(message["Subject"], "hello")
            self.assertEqual(message.get_payload(), "Hello!\n")
        self.assertEqual(len(self.messages(server)), 2)
        self.assertRegex(self.totals(server), r"^accepted 2 messages, \d+ octets, over 2 connections; 0 refused, 0 failed logins")

    def test_names(self):
        """--name is in the certificate, and what the server calls itself"""
        server = self.sink("--name", "mail.lab.example")
        self.assertRegex(Talk(self, server.port).read(), r"^220 mail\.lab\.example ")
        with socket.create_connection(("127.0.0.1", server.tls_port), harness.DEADLINE) as raw, \
                self.context(server).wrap_socket(raw, server_hostname="mail.lab.example") as peer:
            self.assertIn(("DNS", "mail.lab.example"), peer.getpeercert()["subjectAltName"])
            self.assertIn(("IP Address", "127.0.0.1"), peer.getpeercert()["subjectAltName"])

    def test_plain(self):
        """without TLS it goes too, unless --require-tls"""
        server = self.sink()
        self.assertRegex(self.talk(server).send(), r"^250 2\.0\.0 ")
        self.assertRegex(self.messages(server)[0]["Received"], r"with ESMTP\b")
        strict = self.talk(self.sink("--require-tls"))
        self.assertRegex(strict.ask("MAIL FROM:<a@example.org>"), r"^530 ")

    def test_queue_id(self):
        """the name in the 250 is the file's"""
        server = self.sink()
        answer = self.talk(server).send()
        name = os.listdir(server.box / "new")[0]
        self.assertIn(name.rsplit(".", 1)[0] if name.count(".") == 2 else ".".join(name.split(".")[:2]), answer)
        self.assertEqual(mode(server.box / "new" / name), 0o600)
        self.assertEqual(os.listdir(server.box / "tmp"), [])

    def test_octets_stay(self):
        """dots, long lines and octets above 127 come through as they are"""
        server = self.sink()
        peer = self.talk(server)
        peer.envelope(parameters=" BODY=8BITMIME")
        self.assertRegex(peer.ask("DATA"), "^354")
        peer.say("Subject: x\r\n\r\n..one\r\n..\r\n".encode() + b"\xff" * 500 + b"\r\n.\r\n")
        self.assertRegex(peer.read(), "^250")
        file = next((server.box / "new").iterdir())
        self.assertTrue(file.read_bytes().endswith(b"\n\n.one\n.\n" + b"\xff" * 500 + b"\n"))

    def test_chunking(self):
        """BDAT brings the same"""
        server = self.sink()
        peer = self.talk(server)
        peer.envelope()
        peer.say(f"BDAT 9\r\n{HELLO[:9]}BDAT {len(HELLO) - 9} LAST\r\n{HELLO[9:]}")
        self.assertRegex(peer.read() + peer.read(), r"^250 .*\r\n250 ")
        self.assertEqual(self.messages(server)[0].get_payload(), "Hello!\n")

    def test_binary(self):
        """BINARYMIME: octets that are no lines come through as they are, by BDAT alone"""
        server = self.sink()
        peer = self.talk(server)
        peer.envelope(parameters=" BODY=BINARYMIME")
        self.assertRegex(peer.ask("DATA"), "^503")
        content = b"Subject: x\r\n\r\n" + bytes(range(256)) * 100 + b"\r\n.\r\n\r"
        peer.say(f"BDAT {len(content)} LAST\r\n".encode() + content)
        self.assertRegex(peer.read(), "^250")
        file = next((server.box / "new").iterdir())
        self.assertTrue(file.read_bytes().endswith(content))

    def test_large(self):
        """a message of 20 MiB comes whole"""
        server = self.sink()
        body = ("x" * 998 + "\r\n") * 20972
        self.client(server, "implicit").sendmail("a@example.org", "b@example.org", "Subject: big\r\n\r\n" + body)
        self.assertEqual(len(self.messages(server)[0].get_payload()), len(body) - 20972)

    def test_discard(self):
        """--discard takes everything and keeps nothing"""
        server = self.sink("--discard", maildir=False)
        self.assertRegex(self.talk(server).send(), r"^250 2\.0\.0 ")
        self.assertEqual(sorted(each.name for each in server.state.iterdir()), ["ca.key", "ca.pem", "server.pem"])

    def test_json(self):
        """--json tells each message before its client is answered"""
        server = self.sink("--json", "--user", "ann")
        peer = self.client(server)
        peer.login("ann", PASSWORD)
        peer.sendmail("a@example.org", ["b@example.org", "c@example.org"], HELLO)
        told = json.loads(server.until_out(r'\{"event":"message".*\}\n')[0])
        self.assertEqual({key: told[key] for key in ("event", "user", "sender", "recipients", "size")},
                         {"event": "message", "user": "ann", "sender": "a@example.org",
                          "recipients": ["b@example.org", "c@example.org"], "size": len(HELLO)})
        self.assertRegex(told["tls"], "^TLSv1")
        self.assertIn(told["id"], told["file"])
        self.assertIn("Hello!", open(told["file"], encoding="utf-8").read())

    def test_json_refusals_and_totals(self):
        """--json tells what was refused, failed logins, and at the end the totals"""
        server = self.sink("--json", "--user", "ann", "--reject", "bob@example.org")
        peer = self.client(server)
        with self.assertRaises(smtplib.SMTPAuthenticationError):
            peer.login("ann", "wrong")
        peer = self.talk(server)
        peer.envelope(to=("bob@example.org", "b@example.org"))
        peer.data("bare\n\r\n")
        peer.send()
        objects = [json.loads(line) for line in server.stop().lines][4:]
        login = next(each for each in objects if each["event"] == "login_failed")
        self.assertEqual({key: login[key] for key in ("user", "mechanism", "reason")},
                         {"user": "ann", "mechanism": "CRAM-MD5", "reason": "wrong user or password"})
        refused = [each for each in objects if each["event"] == "refused"]
        self.assertEqual([each["recipient"] for each in refused], ["bob@example.org", None])
        self.assertEqual([each["sender"] for each in refused], ["a@example.org"] * 2)
        self.assertRegex(refused[0]["reply"], r"^550 5\.1\.1 ")
        self.assertRegex(refused[1]["reply"], r"^554 5\.6\.0 ")
        self.assertEqual(objects[-1]["event"], "totals")
        self.assertEqual({key: objects[-1][key] for key in ("messages", "octets", "connections", "refused", "failed_logins")},
                         {"messages": 1, "octets": 26, "connections": 2, "refused": 2, "failed_logins": 3})

    def unread(self):
        """A sink, and the reader of its --json output, which reads the ready lines only; 60 messages were accepted
        since."""
        read, write = os.pipe()
        reader = os.fdopen(read)
        self.addCleanup(reader.close)
        server = self.start("mail", "sink", "--json", "--discard", "--bind", "127.0.0.1", "--port", 0, "--tls-port", "none",
                            "--state", self.scratch(), stdout=write)
        os.close(write)
        server.port = [json.loads(reader.readline()) for _ in range(2)][-1]["port"]
        peer = self.talk(server)
        recipients = ["x" * 60 + f"{number}@" + "y" * 60 + ".example" for number in range(20)]
        for _ in range(60):  # about 3 KiB each; a pipe holds 64 KiB
            self.assertRegex(peer.send(to=recipients), "^250")
        peer.close()
        return server, reader

    def test_json_nobody_reads(self):
        """a reader of --json that stops stalls no session, and has every line when it goes on"""
        server, reader = self.unread()
        server.send(signal.SIGTERM)
        objects = [json.loads(line) for line in reader]
        self.assertEqual([each["event"] for each in objects], ["message"] * 60 + ["totals"])
        self.assertEqual(server.wait().status, harness.DONE)

    def test_json_nobody_ever_reads(self):
        """a reader of --json that never goes on does not keep the sink from ending"""
        server, _ = self.unread()
        done = server.stop()
        self.assertEqual(done.status, harness.DONE)
        self.assertRegex(done.err, r"\n\d+ lines of --json dropped: the reader was too slow\n")
        self.assertIn("accepted 60 messages", done.error_lines[-1])

    def test_log(self):
        """a line tells of each message and each visitor; what a peer says cannot break it"""
        server = self.sink()
        peer = self.talk(server)
        peer.send(to=("b@example.org", "c@example.org", "d@example.org", "e@example.org"))
        peer.ask("NOOP \x1b[31m")
        peer.ask("QUIT")
        server.until_err(r"127\.0\.0\.1:\d+ message \S+ from <a@example\.org> to <b@example\.org>, <c@example\.org>, "
                         r"<d@example\.org> and 1 more, 26 octets\n")
        server.until_err(r"left after 1 message")
        self.assertNotIn("\x1b", server.err)

    def test_quiet(self):
        """--quiet leaves the ready lines"""
        server = self.sink("--quiet")
        self.talk(server).send()
        self.assertEqual(server.stop().err, "")

    def test_dialogue(self):
        """-v shows the dialogue, without the password"""
        server = self.sink("-v", "--user", "ann")
        peer = self.client(server)
        peer.login("ann", PASSWORD)
        peer.sendmail("a@example.org", "b@example.org", HELLO)
        peer.quit()
        done = server.stop()
        for line in ("S: 220 ", "C: STARTTLS", "S: 250-PIPELINING\n", "C: (?i:MAIL FROM):<a@example.org>", "S: 354 ", "C: (?i:quit)", "S: 221 "):
            self.assertRegex(done.err, rf"127\.0\.0\.1:\d+ {line}")
        self.assertNotIn(PASSWORD, done.err)
        self.assertNotIn("c2VjcmV0", done.err)


class Login(Sinking):
    def test_mechanisms(self):
        """PLAIN, LOGIN and CRAM-MD5 by Python, SCRAM-SHA-256 by netlab itself"""
        server = self.sink("--user", "ann", "--user", "bob", "--require-auth")
        for mechanism in ("PLAIN", "LOGIN", "CRAM-MD5"):
            peer = self.client(server)
            peer.ehlo()
            peer.user, peer.password = "bob", PASSWORD
            method = getattr(peer, "auth_" + mechanism.lower().replace("-", "_"))
            self.assertEqual(peer.auth(mechanism, method)[0], 235)
            peer.sendmail("a@example.org", "b@example.org", HELLO)
        for mechanism in ("plain", "login", "cram-md5", "scram-sha-256", "auto"):
            self.netlab("mail", "send", "--server", f"localhost:{server.port}", "-4", "--ca-file", server.ca, "--user", "ann",
                        "--auth", mechanism, "--from", "a@example.org", "--to", "b@example.org", "--body", "x",
                        env={"NETLAB_PASSWORD": PASSWORD})
        self.assertEqual(len(self.messages(server)), 8)
        self.assertRegex(self.messages(server)[0]["Received"], "with ESMTPSA")

    def test_refused(self):
        """a wrong password, a name that is not there: 535 for both, and counted"""
        server = self.sink("--user", "ann")
        for user, password in (("ann", "wrong"), ("nobody", PASSWORD)):
            with self.assertRaises(smtplib.SMTPAuthenticationError) as refused:
                self.client(server).login(user, password)
            self.assertEqual(refused.exception.smtp_code, 535)
        self.assertRegex(self.totals(server), r"[1-9]\d* failed login")

    def test_guessing(self):
        """who guesses waits for each answer, and is sent away after some"""
        server = self.sink("--user", "ann", "--auth-without-tls")
        peer = self.talk(server)
        began = time.monotonic()
        peer.say("AUTH PLAIN AGFubgB4\r\n" * 6)
        answers = harness.receive(peer.socket).decode().splitlines()
        self.assertEqual([each[:3] for each in answers], ["535"] * 5 + ["421"])
        self.assertGreaterEqual(time.monotonic() - began, 5)
        self.assertIn("5 failed logins", self.totals(server))

    def test_required(self):
        """with --require-auth nothing goes without"""
        server = self.sink("--user", "ann", "--require-auth")
        peer = self.client(server)
        peer.ehlo()
        self.assertEqual(peer.mail("a@example.org")[0], 530)

    def test_not_in_clear(self):
        """AUTH is offered inside TLS only, unless --auth-without-tls"""
        self.assertNotIn("AUTH", self.talk(self.sink("--user", "ann")).ask("EHLO again.example"))
        self.assertRegex(self.talk(self.sink("--user", "ann", "--auth-without-tls")).ask("EHLO again.example"), r"(?m)^250[- ]AUTH ")

    def test_nobody(self):
        """without --user there is no AUTH at all"""
        peer = self.client(self.sink())
        peer.ehlo()
        self.assertFalse(peer.has_extn("auth"))

    def test_password_from_a_file(self):
        """the password comes from where the other commands have it"""
        file = self.scratch() / "password"
        file.write_text("from a file\n")
        server = self.sink("--user", "ann", "--password-file", file)
        self.assertEqual(self.client(server).login("ann", "from a file")[0], 235)


class Rules(Sinking):
    def test_order(self):
        """commands out of order are 503, and the session goes on"""
        peer = self.talk(self.sink())
        self.assertRegex(peer.ask("RCPT TO:<b@example.org>"), "^503")
        self.assertRegex(peer.ask("DATA"), "^503")
        self.assertRegex(peer.ask("MAIL FROM:<a@example.org>"), "^250")
        self.assertRegex(peer.ask("MAIL FROM:<a@example.org>"), "^503")
        self.assertRegex(peer.ask("RCPT TO:<b@example.org>"), "^250")
        self.assertRegex(peer.data(), "^250")

    def test_smuggling(self):
        """a message's end is CR LF . CR LF and nothing else; a message with another in it is refused whole"""
        for end in ("\n.\n", "\n.\r\n", "\r.\r", "\r.\r\n", "\r\n.\n", "\r\n.\r", "\n\n.\r\n"):
            server = self.sink()
            peer = self.talk(server)
            peer.envelope()
            peer.ask("DATA")
            peer.say(f"Subject: x\r\n\r\none{end}MAIL FROM:<evil@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\ntwo\r\n.\r\n")
            self.assertRegex(peer.read(), "^55[04]", repr(end))
            self.assertRegex(peer.ask("NOOP"), "^250", repr(end))
            self.assertEqual(self.messages(server), [])
            server.stop()

    def test_starttls_injection(self):
        """octets behind STARTTLS in clear are not taken into TLS"""
        server = self.sink()
        peer = self.talk(server)
        peer.say("STARTTLS\r\nMAIL FROM:<evil@example.org>\r\n")
        taken = harness.receive(peer.socket).decode()
        self.assertNotIn("2.1.0", taken)

    def test_sizes(self):
        """--max-size holds for what is announced and for what comes"""
        server = self.sink("--max-size", "10k")
        peer = self.talk(server)
        self.assertRegex(peer.ask("EHLO again.example"), r"250[- ]SIZE 10240\r\n")
        self.assertRegex(peer.ask("MAIL FROM:<a@example.org> SIZE=20000"), "^552")
        self.assertRegex(peer.send("x" * 70 + "\r\n"), "^250")
        self.assertRegex(peer.send(("x" * 70 + "\r\n") * 1000), "^552")
        self.assertRegex(peer.send(), "^250")
        self.assertEqual(len(self.messages(server)), 2)

    def test_recipients(self):
        """--max-recipients: one too many is 452, the others get it"""
        server = self.sink("--max-recipients", "2")
        peer = self.talk(server)
        self.assertRegex(peer.envelope(to=("b@example.org", "c@example.org", "d@example.org")), "^452")
        self.assertRegex(peer.data(), "^250")
        self.assertEqual(self.messages(server)[0].get_all("Delivered-To"), ["b@example.org", "c@example.org"])

    def test_reject_and_tempfail(self):
        """--reject and --tempfail name addresses and domains; the other recipients get the message"""
        server = self.sink("--reject", "bob@example.org", "--reject", "@refused.example", "--tempfail", "later@example.org")
        peer = self.talk(server)
        peer.ask("MAIL FROM:<a@example.org>")
        for whom, code in (("bob@example.org", 550), ("BOB@EXAMPLE.ORG", 550), ("x@refused.example", 550),
                           ("later@example.org", 451), ("ann@example.org", 250)):
            self.assertEqual(peer.ask(f"RCPT TO:<{whom}>")[:3], str(code))
        self.assertRegex(peer.data(), "^250")
        self.assertEqual(self.messages(server)[0].get_all("Delivered-To"), ["ann@example.org"])
        server.until_err("refused from <a@example.org> to <later@example.org>: 451 ")
        self.assertIn("; 4 refused,", self.totals(server))

    def test_rate(self):
        """--max-rate: the message beyond is 421, and the connection ends"""
        server = self.sink("--max-rate", "2/1h")
        peer = self.talk(server)
        self.assertRegex(peer.send() + peer.send(), "^250 .*\r\n250 ")
        answer = peer.ask("MAIL FROM:<a@example.org>")
        self.assertRegex(answer, "^421")
        self.assertTrue(peer.ended())
        self.assertEqual(len(self.messages(server)), 2)

    def test_max_clients(self):
        """one client too many is told 421"""
        server = self.sink("--max-clients", "1")
        self.talk(server)
        late = Talk(self, server.port)
        self.assertRegex(late.read(), r"^421 4\.3\.2 ")
        self.assertTrue(late.ended())
        self.assertIn("1 turned away", self.totals(server))

    def test_clients_of_one_address(self):
        """--max-clients-per-address: one more from there is told 421, somebody else is served"""
        server = self.sink("--max-clients-per-address", "2")
        self.talk(server)
        self.talk(server)
        late = Talk(self, server.port)
        self.assertRegex(late.read(), r"^421 4\.3\.2 .* from this address")
        self.assertTrue(late.ended())
        other = self.tcp(server.port, source=("127.0.0.2", 0))
        self.assertRegex(harness.receive_line(other), b"^220 ")
        server.until_err(r"turned away: 2 clients from this address connected \(--max-clients-per-address\)\n")

    def test_by_hand(self):
        """a message that is typed line by line has time as long as lines come"""
        server = self.sink("--idle-timeout", "1s")
        peer = self.talk(server)
        peer.envelope()
        peer.ask("DATA")
        for line in ("Subject: by hand", "", "one", "two", "three"):
            time.sleep(0.4)
            peer.say(line + "\r\n")
        peer.say(".\r\n")
        self.assertRegex(peer.read(), "^250")

    def test_content(self):
        """long lines, NUL and 8-bit content that was not announced are refused, as elsewhere; --fault lax takes them"""
        contents = ("x" * 999 + "\r\n", "a\0b\r\n", "ä\r\n")
        strict = self.talk(self.sink())
        lax = self.talk(self.sink("--fault", "lax"))
        for content in contents:
            self.assertRegex(strict.send(content), r"^554 5\.6\.0 ")
            self.assertRegex(lax.send(content), "^250")
        self.assertRegex(strict.send(contents[2], parameters=" BODY=8BITMIME"), "^250")

    def test_refused_recipients(self):
        """recipients that are refused have an end"""
        peer = self.talk(self.sink("--reject", "*"))
        peer.ask("MAIL FROM:<a@example.org>")
        peer.say("RCPT TO:<b@example.org>\r\n" * 1500)
        answers = harness.receive(peer.socket).decode().splitlines()
        self.assertEqual([each[:3] for each in answers], ["550"] * 1000 + ["421"])

    def test_large_chunk(self):
        """a chunk that is too large is refused before it comes"""
        peer = self.talk(self.sink())
        peer.envelope()
        self.assertRegex(peer.ask("BDAT 99999999999"), "^552")
        self.assertRegex(peer.read(), "^421")
        self.assertTrue(peer.ended())

    def test_slow(self):
        """who does not finish a line, or a message, in time is told 421 and gone"""
        server = self.sink("--idle-timeout", "200ms")
        line = Talk(self, server.port)
        line.read()
        line.say("NOO")
        self.assertRegex(line.read(), "^421")
        self.assertTrue(line.ended())
        content = self.talk(server)
        content.envelope()
        content.ask("DATA")
        content.say("Subject: x\r\n")
        self.assertRegex(content.read(), "^421")
        self.assertTrue(content.ended())
        self.assertEqual((os.listdir(server.box / "tmp"), self.messages(server)), ([], []))


class Stopping(Sinking):
    def test_in_data(self):
        """SIGTERM: a message that has begun is finished, stored and answered; then the server ends with 0"""
        server = self.sink("--grace", "1m")
        peer = self.talk(server)
        idle = self.talk(server)
        peer.envelope()
        peer.ask("DATA")
        peer.say(HELLO[:10])
        server.send(signal.SIGTERM)
        self.assertRegex(idle.read(), "^421")
        peer.say(HELLO[10:] + ".\r\n")
        self.assertRegex(peer.read(), r"^250 2\.0\.0 ")
        done = server.wait()
        self.assertEqual(done.status, harness.DONE, done.err)
        self.assertIn("accepted 1 message,", done.error_lines[-1])
        self.assertEqual(len(self.messages(server)), 1)

    def test_grace_is_over(self):
        """who does not finish within --grace is told 421 and cut off, and nothing of it stays"""
        server = self.sink("--grace", "100ms")
        peer = self.talk(server)
        peer.envelope()
        peer.ask("DATA")
        peer.say(("x" * 70 + "\r\n") * 1000)
        harness.until(lambda: os.listdir(server.box / "tmp"), "a file in tmp/")
        server.send(signal.SIGTERM)
        self.assertRegex(peer.read(), r"^421 4\.3\.2 ")
        self.assertTrue(peer.ended())
        peer.close()
        done = server.wait()
        self.assertEqual(done.status, harness.DONE, done.err)
        self.assertEqual((os.listdir(server.box / "tmp"), self.messages(server)), ([], []))

    def test_client_went_away(self):
        """half a message of a client that went away leaves nothing"""
        server = self.sink()
        peer = self.talk(server)
        peer.envelope()
        peer.ask("DATA")
        peer.say(("x" * 70 + "\r\n") * 1000)
        harness.until(lambda: os.listdir(server.box / "tmp"), "a file in tmp/")
        peer.socket.close()
        harness.until(lambda: not os.listdir(server.box / "tmp"), "an empty tmp/")
        self.assertEqual(self.messages(server), [])


class Sending(Sinking):
    def test_by_configuration(self):
        """mail send finds the sink by the configuration file, and the sink its options there too"""
        place = self.scratch()
        config = place / "config"
        config.write_text(f"[mail sink]\nmaildir = {place}/box\nreject = bob@example.org\nfault = tempfail-data:once\n")
        server = self.sink(maildir=False, env={"NETLAB_CONFIG": config})
        config.write_text(f"[mail send]\nserver = localhost:{server.port}\nca-file = {server.ca}\nfrom = a@example.org\n")
        words = ["mail", "send", "-4", "--to", "b@example.org", "--to", "bob@example.org", "--body", "hi"]
        env = {"NETLAB_CONFIG": config}
        self.netlab(*words, status=harness.TRY_LATER, env=env)
        done = self.netlab(*words, status=harness.PARTLY, env=env)
        self.assertRegex(done.out, r"^sent .* to 1 recipient: 250 2\.0\.0 ")
        self.assertIn("bob@example.org", done.err)
        self.assertEqual(len(os.listdir(place / "box/new")), 1)

    def test_environment(self):
        """a variable stands for an option"""
        server = self.sink(env={"NETLAB_MAIL_SINK_REJECT": "bob@example.org\ncarl@example.org"})
        peer = self.talk(server)
        self.assertRegex(peer.envelope(to=("carl@example.org",)), "^550")


if __name__ == "__main__":
    harness.main()
