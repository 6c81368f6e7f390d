# SPDX-License-Identifier: MIT
"""Debian's mail servers, not installed but unpacked into a cache, and run in a mount namespace of their own (see
unpacked.py). They listen on free ports of the loopback interface, deliver into a Maildir, and end with the test."""

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile

import harness
import unpacked

USER, PASSWORD, HOST = "user", "secret", "localhost"


class Server:
    """The common part. The class of each server configures and starts it."""

    name = ""
    packages = ()
    backports = False
    users = ()  # extra ones: (name, uid)
    mechanisms = ()

    def __init__(self, case, authority):
        unpacked.needs_namespace()
        root = unpacked.unpack(self.name, self.packages, self.backports)
        self.port, self.tls_port = unpacked.free_ports(2)
        self.place = pathlib.Path(tempfile.mkdtemp(prefix=f"netlab-{self.name}-"))
        self.place.chmod(0o755)
        case.addClassCleanup(shutil.rmtree, self.place, ignore_errors=True)
        self.etc = self.place / "etc"
        for directory in (self.etc, self.place / "var", self.place / "work", self.place / "mail"):
            directory.mkdir()
        (self.place / "mail").chmod(0o777)
        certificate = authority.server(names=("DNS:localhost", "IP:127.0.0.1"))
        for source, target in ((certificate.certificate, "cert.pem"), (certificate.key, "key.pem")):
            shutil.copy(source, self.etc / target)
        (self.etc / "cert.pem").chmod(0o644)
        (self.etc / "key.pem").chmod(self.key_mode)
        for file, line in (("passwd", "{0}:x:{1}:{1}::/nonexistent:/bin/false\n"), ("group", "{0}:x:{1}:\n")):
            text = pathlib.Path("/etc", file).read_text(encoding="utf-8")
            known = {each.split(":")[0] for each in text.splitlines()}
            text += "".join(line.format(name, uid) for name, uid in self.users if name not in known)
            (self.etc / file).write_text(text, encoding="utf-8")
        self.configure()
        self.log = (self.place / "log").open("wb")
        case.addClassCleanup(self.log.close)
        script = f"""
mount -t overlay overlay -o lowerdir=/var,upperdir={self.place}/var,workdir={self.place}/work /var
mount -t tmpfs tmpfs /run
mkdir -p /var/vmail && mount --bind {self.place}/mail /var/vmail
{self.start()}
"""
        self.child = subprocess.Popen(unpacked.in_namespace(root, self.etc, script), stdin=subprocess.DEVNULL, stdout=self.log,
                                      stderr=self.log, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"})
        case.addClassCleanup(unpacked.end, self.child)
        for port in (self.port, self.tls_port):
            self._wait_for(port)

    key_mode = 0o600

    def _wait_for(self, port):
        def answers():
            if self.child.poll() is not None:
                raise AssertionError(f"{self.name} did not start: {self._said()}")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return True
            return False
        try:
            harness.until(answers, f"{self.name} on port {port}")
        except AssertionError as late:
            raise AssertionError(f"{late}: {self._said()}") from None

    def _said(self):
        said = (self.place / "log").read_text(encoding="utf-8", errors="replace")[-3000:]
        for log in (self.place / "var/log").rglob("*"):
            if log.is_file():
                said += log.read_text(encoding="utf-8", errors="replace")[-3000:]
        return said

    def write(self, name, text, mode=0o644):
        file = self.etc / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        file.chmod(mode)

    def arrived(self, marker):
        """Waits for the message in the Maildir that contains the marker; returns its octets."""
        def find():
            for file in (self.place / "mail").rglob("new/*"):
                with contextlib.suppress(OSError):
                    octets = file.read_bytes()
                    if marker in octets:
                        return octets
            return None
        return harness.until(find, f"the message {marker!r} at {self.name}: {self._said()}")

    def count(self, marker):
        return sum(marker in file.read_bytes() for file in (self.place / "mail").rglob("new/*"))


class Postfix(Server):
    name = "postfix"
    packages = ("postfix", "libsasl2-2", "libsasl2-modules", "libsasl2-modules-db", "sasl2-bin")
    users = (("postfix", 61001), ("postdrop", 61002), ("vmail", 61003))
    mechanisms = ("plain", "login", "cram-md5", "scram-sha-256")

    def configure(self):
        self.write("postfix/main.cf", f"""
compatibility_level = 3.6
maillog_file = /var/log/postfix.log
myhostname = mail.test
mydestination =
inet_interfaces = loopback-only
alias_maps =
local_recipient_maps =
smtpd_tls_cert_file = /etc/cert.pem
smtpd_tls_key_file = /etc/key.pem
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_local_domain = mail.test
cyrus_sasl_config_path = /etc/postfix/sasl
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = check_recipient_access inline:{{ {{refused@example.org=550 5.1.1 nobody of that name}} {{later@example.org=450 4.2.1 not now}} }}, permit_sasl_authenticated, reject
smtpd_client_connection_count_limit = 0
message_size_limit = 5000000
virtual_mailbox_domains = example.org, bücher.example, xn--bcher-kva.example
virtual_mailbox_base = /var/vmail
virtual_mailbox_maps = static:all/
virtual_uid_maps = static:61003
virtual_gid_maps = static:61003
""")
        inner = "".join(f"{name} unix {private} - n - {most} {program}\n" for name, private, most, program in (
            ("cleanup", "n", "0", "cleanup"), ("rewrite", "-", "-", "trivial-rewrite"), ("bounce", "-", "0", "bounce"),
            ("defer", "-", "0", "bounce"), ("trace", "-", "0", "bounce"), ("verify", "-", "1", "verify"),
            ("flush", "n", "0", "flush"), ("proxymap", "-", "-", "proxymap"), ("anvil", "-", "1", "anvil"),
            ("error", "-", "-", "error"), ("retry", "-", "-", "error"), ("discard", "-", "-", "discard"),
            ("smtp", "-", "-", "smtp"), ("relay", "-", "-", "smtp"), ("scache", "-", "1", "scache")))
        self.write("postfix/master.cf", f"""
127.0.0.1:{self.port} inet n - n - - smtpd
127.0.0.1:{self.tls_port} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
{inner}
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
virtual unix - n n - - virtual
postlog unix-dgram n - n - 1 postlogd
""".replace("\n\n", "\n"))
        self.write("postfix/sasl/smtpd.conf", """pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: /etc/sasldb2
mech_list: PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256
""")

    def start(self):
        return f"""
mkdir -p /run/netlab && mount -t overlay overlay -o lowerdir=/etc,upperdir={self.place}/work2,workdir={self.place}/work3 /etc
printf {PASSWORD} | saslpasswd2 -p -c -u mail.test -f /etc/sasldb2 {USER}
chmod 644 /etc/sasldb2
mkdir -p /var/spool/postfix /var/lib/postfix /var/log
chown postfix /var/lib/postfix
exec postfix start-fg
"""

    def write(self, name, text, mode=0o644):
        for directory in ("work2", "work3"):
            (self.place / directory).mkdir(exist_ok=True)
        super().write(name, text, mode)


class Exim(Server):
    name = "exim"
    packages = ("exim4-daemon-light", "exim4-base", "exim4-config")
    users = (("Debian-exim", 61011), ("vmail", 61003))
    mechanisms = ("plain", "login", "cram-md5")
    key_mode = 0o644  # read as Debian-exim

    def configure(self):
        self.write("exim4/exim4.conf", f"""
primary_hostname = mail.test
local_interfaces = 127.0.0.1
daemon_smtp_ports = {self.port} : {self.tls_port}
tls_on_connect_ports = {self.tls_port}
tls_advertise_hosts = *
tls_certificate = /etc/cert.pem
tls_privatekey = /etc/key.pem
auth_advertise_hosts = ${{if def:tls_in_cipher {{*}}{{}}}}
smtputf8_advertise_hosts = *
chunking_advertise_hosts = *
dsn_advertise_hosts = *
pipelining_advertise_hosts = *
acl_smtp_rcpt = rcpt
message_size_limit = 5000000
log_file_path = /var/log/exim4/%slog
spool_directory = /var/spool/exim4
smtp_accept_max_per_host = 50
host_lookup =
rfc1413_hosts =
smtp_accept_queue_per_connection = 0
keep_environment =
never_users =
begin acl
rcpt:
  deny local_parts = refused
       message = 5.1.1 nobody of that name
  defer local_parts = later
       message = 4.2.1 not now
  accept authenticated = *
  deny message = 5.7.1 not without a login
begin routers
all:
  driver = accept
  transport = store
begin transports
store:
  driver = appendfile
  directory = /var/vmail/all
  maildir_format
  create_directory
  user = vmail
  group = vmail
begin retry
* * F,1h,1m
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{{USER}}}}}{{eq{{$auth3}}{{{PASSWORD}}}}}}}}}
  server_set_id = $auth2
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = ${{if and{{{{eq{{$auth1}}{{{USER}}}}}{{eq{{$auth2}}{{{PASSWORD}}}}}}}}}
  server_set_id = $auth1
cram:
  driver = cram_md5
  public_name = CRAM-MD5
  server_secret = ${{if eq{{$auth1}}{{{USER}}}{{{PASSWORD}}}fail}}
  server_set_id = $auth1
""", 0o644)

    def start(self):
        return """
mkdir -p /var/spool/exim4 /var/log/exim4
chown Debian-exim /var/spool/exim4 /var/log/exim4
exec exim4 -bdf -q1h
"""


class OpenSmtpd(Server):
    name = "opensmtpd"
    packages = ("opensmtpd",)
    backports = True  # TLS handshakes fail with 6.8
    users = (("opensmtpd", 61021), ("opensmtpq", 61022), ("vmail", 61003))
    mechanisms = ("plain", "login")

    def configure(self):
        hashed = subprocess.run(["openssl", "passwd", "-6", PASSWORD], stdout=subprocess.PIPE, text=True, check=True,
                                timeout=60).stdout.strip()
        self.write("users", f"{USER} {hashed}\n", 0o644)
        self.write("smtpd.conf", f"""
pki localhost cert "/etc/cert.pem"
pki localhost key "/etc/key.pem"
table users file:/etc/users
smtp max-message-size "5M"
listen on 127.0.0.1 port {self.port} tls pki localhost auth <users> hostname mail.test
listen on 127.0.0.1 port {self.tls_port} smtps pki localhost auth <users> hostname mail.test
action "store" maildir "/var/vmail/all" virtual {{ "@" = vmail }}
match auth from any for rcpt-to "refused@example.org" reject
match auth from any for any action "store"
""")

    def start(self):
        return """
mkdir -p /var/spool/smtpd /var/empty /run/opensmtpd /var/lib/opensmtpd/empty
chmod 711 /var/spool/smtpd
exec smtpd -d -f /etc/smtpd.conf
"""


AIOSMTPD = """
import asyncio, os, ssl, sys, time
from aiosmtpd.smtp import SMTP, AuthResult
cert, key, mail, port, tls_port = sys.argv[1:]
class Handler:
    number = 0
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("refused@"):
            return "550 5.1.1 nobody of that name"
        if address.startswith("later@"):
            return "450 4.2.1 not now"
        envelope.rcpt_tos.append(address)
        return "250 OK"
    async def handle_DATA(self, server, session, envelope):
        Handler.number += 1
        with open(f"{mail}/all/tmp/{Handler.number}", "wb") as file:
            file.write(envelope.original_content)
        os.rename(f"{mail}/all/tmp/{Handler.number}", f"{mail}/all/new/{Handler.number}")
        return "250 OK"
def check(server, session, envelope, mechanism, data):
    return AuthResult(success=(data.login, data.password) == (b"%s", b"%s"), handled=False)
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(cert, key)
common = dict(authenticator=check, auth_required=True, enable_SMTPUTF8=True, decode_data=False)
async def main():
    loop = asyncio.get_running_loop()
    await loop.create_server(lambda: SMTP(Handler(), tls_context=context, loop=loop, **common), "127.0.0.1", int(port))
    await loop.create_server(lambda: SMTP(Handler(), loop=loop, auth_require_tls=False, **common), "127.0.0.1", int(tls_port),
                             ssl=context)
    await asyncio.Event().wait()
for name in ("tmp", "new"):
    os.makedirs(f"{mail}/all/{name}")
asyncio.run(main())
""" % (USER, PASSWORD)


class Aiosmtpd(Server):
    name = "aiosmtpd"
    packages = ("python3-aiosmtpd",)
    mechanisms = ("plain", "login")

    def __init__(self, case, authority):  # needs no namespace
        root = unpacked.unpack(self.name, self.packages)
        self.port, self.tls_port = unpacked.free_ports(2)
        self.place = pathlib.Path(tempfile.mkdtemp(prefix="netlab-aiosmtpd-"))
        case.addClassCleanup(shutil.rmtree, self.place, ignore_errors=True)
        certificate = authority.server()
        self.log = (self.place / "log").open("wb")
        case.addClassCleanup(self.log.close)
        self.child = subprocess.Popen(["/usr/bin/python3", "-B", "-c", AIOSMTPD, certificate.certificate, certificate.key,
                                       self.place / "mail", str(self.port), str(self.tls_port)], stdin=subprocess.DEVNULL,
                                      stdout=self.log, stderr=self.log,
                                      env={"PATH": os.environ["PATH"], "PYTHONPATH": root / "usr/lib/python3/dist-packages"})
        case.addClassCleanup(unpacked.end, self.child)
        for port in (self.port, self.tls_port):
            self._wait_for(port)
