# SPDX-License-Identifier: MIT
"""An SMTP server for tests, with any misbehaviour that a test asks for; it records what it receives.

    server = smtp_server.Server(case, tls="starttls", certificate=..., on={"rcpt": "550 5.1.1 no such user"})
    ... netlab mail send --server 127.0.0.1:{server.port} ...
    session = server.session()          # waits until the first has ended
    session.commands, session.messages  # what the client has sent

`on` maps a stage to an action that replaces the usual one. Stages: connect, handshake (of TLS), ehlo, helo, starttls,
secure-ehlo, auth, auth-response, mail, rcpt, data, content (the final dot), bdat, rset, noop, quit. Actions:

    "250 text"      sends this reply, complete lines; a CRLF is added
    b"octets"       sends exactly these octets
    HANG            sends nothing until the client ends the connection
    STALL           sends and reads nothing until the test is over
    CLOSE, RESET    ends the connection, gracefully or with a reset
    Then(a, b)      one after the other, as in Then("250 ok", CLOSE)
    Each(a, b, …)   a when the stage is reached for the first time, then b, and so on; the last is repeated
    a function      called with the session and the command's argument; returns one of these, or None for the usual
"""

import base64
import contextlib
import hashlib
import hmac
import re
import socket
import ssl
import struct
import threading

import harness

HANG, STALL, CLOSE, RESET, USUAL = object(), object(), object(), object(), None

KEYWORDS = ("PIPELINING", "SIZE 10485760", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "DSN")


class Then:
    def __init__(self, *actions):
        self.actions = actions


class Each:
    def __init__(self, *actions):
        self.actions = list(actions)

    def next(self):
        return self.actions.pop(0) if len(self.actions) > 1 else self.actions[0]


class Ended(Exception):
    """The client has gone, or the server has closed."""


class Message:
    def __init__(self, sender, recipients, octets):
        self.sender, self.recipients, self.octets = sender, recipients, octets


class Session:
    """One connection, in a thread of its own."""

    def __init__(self, server, connection):
        self.server = server
        self.commands = []    # lines without their line ends, in order
        self.messages = []    # accepted
        self.wire = b""       # all octets from the client, after decryption
        self.plain = b""      # those of them that were sent without TLS
        self.is_secure = False
        self.login = None     # the user who logged in
        self.end = None       # "quit", "eof", "reset", "closed"
        self.ended = threading.Event()
        self._connection = connection
        self._input = b""
        self._owed = b""
        self._last = b""      # class of the last reply
        self._sender, self._recipients, self._chunks = None, [], b""

    def _receive(self):
        try:
            piece = self._connection.recv(65536)
        except ssl.SSLError as broken:
            raise Ended("eof") from broken
        except (ConnectionError, socket.timeout) as gone:
            raise Ended("reset") from gone
        if not piece:
            raise Ended("eof")
        self.wire += piece
        if not self.is_secure:
            self.plain += piece
        self._input += piece

    def _line(self):
        while b"\n" not in self._input:
            self.flush()
            self._receive()
        line, self._input = self._input.split(b"\n", 1)
        return line.removesuffix(b"\r")

    def _octets(self, size):
        while len(self._input) < size:
            self.flush()
            self._receive()
        octets, self._input = self._input[:size], self._input[size:]
        return octets

    def _content(self):
        """Reads up to the final dot and removes the dots that were added for transparency."""
        self.flush()
        start = 0
        whole = b"\r\n" + self._input
        while (end := whole.find(b"\r\n.\r\n", start)) < 0:
            start = max(0, len(whole) - 4)
            self._input = b""
            self._receive()
            whole += self._input
        self._input = whole[end + 5:]
        return whole[:end + 2].replace(b"\r\n..", b"\r\n.")[2:]

    def say(self, octets):
        self._owed += octets
        self._last = octets[:1]
        if not self.server.merges:
            self.flush()

    def flush(self):
        owed, self._owed = self._owed, b""
        try:
            if self.server.splits:
                for at in range(len(owed)):
                    self._connection.sendall(owed[at:at + 1])
            elif owed:
                self._connection.sendall(owed)
        except (ConnectionError, ssl.SSLError, socket.timeout) as gone:
            raise Ended("reset") from gone

    def secure(self):
        """Starts TLS."""
        self.flush()
        try:
            self._connection = self.server.context.wrap_socket(self._connection, server_side=True)
        except (OSError, ssl.SSLError) as failed:
            self.server.handshake_errors.append(str(failed))
            raise Ended("handshake") from failed
        self.is_secure = True
        self._input = b""

    def act(self, action, argument=""):
        """True if the action did something; False if the usual reply is needed."""
        if isinstance(action, Each):
            action = action.next()
        if callable(action):
            action = action(self, argument)
        if action is USUAL:
            return False
        if isinstance(action, Then):
            for each in action.actions:
                self.act(each, argument)
        elif isinstance(action, str):
            self.say(action.encode() + b"\r\n")
        elif isinstance(action, bytes):
            self.say(action)
        elif action is HANG:
            self.flush()
            while True:
                self._receive()
        elif action is STALL:
            self.flush()
            self.server.over.wait(harness.DEADLINE)
            raise Ended("stalled")
        elif action in (CLOSE, RESET):
            self.flush()
            if action is RESET:
                self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise Ended("closed")
        return True

    def at(self, stage, argument=""):
        return stage in self.server.on and self.act(self.server.on[stage], argument)

    def run(self):
        try:
            self._talk()
        except Ended as why:
            self.end = str(why)
        except OSError:
            self.end = "reset"
        finally:
            # Unread input would turn the graceful close into a reset.
            with contextlib.suppress(OSError, ssl.SSLError, ValueError):
                if self.end == "closed" and not self._connection.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER):
                    if self.is_secure:
                        self._connection = self._connection.unwrap()
                    self._connection.shutdown(socket.SHUT_WR)
                    while self._connection.recv(65536):
                        pass
            with contextlib.suppress(OSError):
                self._connection.close()
            self.ended.set()

    def _talk(self):
        if self.server.tls == "implicit":
            if not self.at("handshake"):
                self.secure()
        if not self.at("connect"):
            self.say(b"220 test.example ESMTP\r\n")
        while True:
            line = self._line()
            text = line.decode("utf-8", "surrogateescape")
            self.commands.append(text)
            verb, _, argument = text.partition(" ")
            method = getattr(self, "_on_" + verb.lower(), None)
            if method is None:
                self.say(b"500 5.5.2 what?\r\n")
            elif method(argument):
                raise Ended("quit")

    def _forget(self):
        self._sender, self._recipients, self._chunks = None, [], b""

    def _on_ehlo(self, argument):
        self._forget()
        if self.at("secure-ehlo" if self.is_secure and self.server.tls != "implicit" else "ehlo", argument):
            return
        keywords = list(self.server.keywords)
        if self.server.tls == "starttls" and not self.is_secure:
            keywords.append("STARTTLS")
        if self.server.auth and (self.is_secure or self.server.auth_in_clear):
            keywords.append("AUTH " + self.server.auth)
        lines = ["test.example", *keywords]
        for number, line in enumerate(lines):
            self.say(f"250{' ' if number == len(lines) - 1 else '-'}{line}\r\n".encode())

    def _on_helo(self, argument):
        if not self.at("helo", argument):
            self.say(b"250 test.example\r\n")

    def _on_starttls(self, argument):
        if self.at("starttls", argument):
            return
        self.say(b"220 2.0.0 go ahead\r\n")
        self.flush()
        if not self.at("handshake"):
            self.secure()

    def _on_auth(self, argument):
        if self.at("auth", argument):
            return
        mechanism, _, initial = argument.partition(" ")
        check = getattr(self, "_auth_" + mechanism.lower().replace("-", "_"), None)
        if check is None or mechanism.upper() not in self.server.auth.split():
            self.say(b"504 5.5.4 unknown mechanism\r\n")
            return
        self.login = check(initial)
        self.say(b"235 2.7.0 welcome\r\n" if self.login else b"535 5.7.8 no\r\n")

    def ask(self, challenge):
        """The client's decoded answer to a challenge; None if it gives up."""
        if not self.at("auth-response"):
            self.say(b"334 " + base64.b64encode(challenge) + b"\r\n")
        line = self._line()
        self.commands.append(line.decode("utf-8", "surrogateescape"))
        return None if line == b"*" else base64.b64decode(line)

    def _auth_plain(self, initial):
        answer = base64.b64decode(initial) if initial else self.ask(b"")
        if answer is None:
            return None
        _, user, password = answer.split(b"\0")
        return user.decode() if (user.decode(), password.decode()) == self.server.credentials else None

    def _auth_login(self, initial):
        user = base64.b64decode(initial) if initial else self.ask(self.server.login_prompts[0])
        password = self.ask(self.server.login_prompts[1])
        if user is None or password is None:
            return None
        return user.decode() if (user.decode(), password.decode()) == self.server.credentials else None

    def _auth_cram_md5(self, _):
        challenge = b"<1896.697170952@test.example>"
        answer = self.ask(challenge)
        if answer is None:
            return None
        user, password = self.server.credentials
        digest = hmac.new(password.encode(), challenge, hashlib.md5).hexdigest()
        return user if answer.decode() == f"{user} {digest}" else None

    def _on_mail(self, argument):
        self._forget()
        if not self.at("mail", argument):
            self.say(b"250 2.1.0 sender ok\r\n")
        if self._last == b"2":
            self._sender = re.sub(r"^FROM:\s*<([^>]*)>.*", r"\1", argument, flags=re.IGNORECASE)

    def _on_rcpt(self, argument):
        if not self.at("rcpt", argument):
            self.say(b"250 2.1.5 recipient ok\r\n" if self._sender is not None else b"503 5.5.1 MAIL first\r\n")
        if self._last == b"2":
            self._recipients.append(re.sub(r"^TO:\s*<([^>]*)>.*", r"\1", argument, flags=re.IGNORECASE))

    def _on_data(self, argument):
        if self.at("data", argument):
            return
        if not self._recipients:
            self.say(b"503 5.5.1 no recipients\r\n")
            return
        self.say(b"354 go on\r\n")
        self._take(self._content())

    def _on_bdat(self, argument):
        size, _, last = argument.partition(" ")
        self._chunks += self._octets(int(size))
        if self.at("bdat", argument):
            return
        if not self._recipients:
            self.say(b"503 5.5.1 no recipients\r\n")
        elif last.upper() == "LAST":
            self._take(self._chunks)
        else:
            self.say(b"250 2.0.0 go on\r\n")

    def _take(self, octets):
        sender, recipients = self._sender, self._recipients
        self._forget()
        if self.at("content"):
            return
        self.messages.append(Message(sender, recipients, octets))
        self.say(f"250 2.0.0 queued as {len(self.messages)}\r\n".encode())

    def _on_rset(self, argument):
        self._forget()
        if not self.at("rset", argument):
            self.say(b"250 2.0.0 forgotten\r\n")

    def _on_noop(self, argument):
        if not self.at("noop", argument):
            self.say(b"250 2.0.0 well\r\n")

    def _on_quit(self, argument):
        if not self.at("quit", argument):
            self.say(b"221 2.0.0 bye\r\n")
        self.flush()
        return True

    def verbs(self):
        return [command.split(" ")[0].upper() for command in self.commands]


class Server:
    """The server, on a free port of the loopback interface, for one test.

    `tls`: none, starttls or implicit, with a certificates.Certificate. `auth`: offered mechanisms. `merges`: replies to
    commands that arrived together are sent together; `splits`: each octet of a reply is sent separately.
    """

    def __init__(self, case, tls="none", certificate=None, keywords=KEYWORDS, auth="", auth_in_clear=False, on=None,
                 merges=True, splits=False, credentials=("user", "secret"), login_prompts=(b"Username:", b"Password:")):
        self.tls, self.keywords, self.auth, self.auth_in_clear = tls, keywords, auth, auth_in_clear
        self.on, self.merges, self.splits = on or {}, merges, splits
        self.credentials, self.login_prompts = credentials, login_prompts
        self.sessions = []
        self.handshake_errors = []
        self.over = threading.Event()
        self.context = None
        if certificate is not None:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(certificate.certificate, certificate.key)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        case.addCleanup(self._close)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(harness.DEADLINE)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            session = Session(self, connection)
            self.sessions.append(session)
            threading.Thread(target=session.run, daemon=True).start()

    def _close(self):
        self.over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def session(self, number=0):
        """A session that has ended."""
        harness.until(lambda: len(self.sessions) > number, f"connection {number + 1}")
        session = self.sessions[number]
        if not session.ended.wait(harness.DEADLINE):
            raise AssertionError("the client did not end its connection")
        return session
