# SPDX-License-Identifier: MIT
"""Certificates for the tests: an authority, and server certificates with one fault each. Made by openssl(1)."""

import atexit
import datetime
import pathlib
import shutil
import subprocess
import tempfile
import unittest

needs_openssl = unittest.skipUnless(shutil.which("openssl"), "openssl not installed")

CONFIG = """
[ca]
default_ca = it
[it]
database = {place}/index
serial = {place}/serial
new_certs_dir = {place}
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = name
prompt = no
[name]
commonName = {name}
"""


def _openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.PIPE, timeout=60)


def _date(days):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days)).strftime("%Y%m%d%H%M%SZ")


class Certificate:
    """A certificate and its key, PEM, in one file each."""

    def __init__(self, certificate, key):
        self.certificate, self.key = certificate, key


class Authority:
    """Signs certificates. `file`: the CA file that a client has to trust."""

    def __init__(self, place, name="Test Authority"):
        self._place = pathlib.Path(place)
        self._place.mkdir(parents=True, exist_ok=True)
        (self._place / "index").touch()
        (self._place / "serial").write_text("01\n", encoding="ascii")
        self._made = 0
        own = self._certificate(name, "basicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign,digitalSignature\n", 30, -30, True)
        self.own, self.file = own, own.certificate

    def _certificate(self, name, extensions, days, from_day, is_authority=False):
        self._made += 1
        base = self._place / f"{'ca' if is_authority else 'server'}{self._made}"
        key, request, certificate, extra, config = (base.with_suffix(end) for end in (".key", ".csr", ".pem", ".ext", ".cnf"))
        config.write_text(CONFIG.format(place=self._place, name=name), encoding="utf-8")
        extra.write_text(extensions, encoding="ascii")
        _openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-config", config, "-utf8",
                 "-keyout", key, "-out", request)
        signer = ["-selfsign", "-keyfile", key] if is_authority else ["-cert", self.own.certificate, "-keyfile", self.own.key]
        _openssl("ca", "-batch", "-notext", "-config", config, *signer, "-in", request, "-out", certificate, "-extfile", extra,
                 "-startdate", _date(from_day), "-enddate", _date(days))
        return Certificate(str(certificate), str(key))

    def server(self, names=("DNS:localhost", "IP:127.0.0.1"), common_name="test server", days=30, from_day=-30):
        """Without names there is only the common name."""
        extensions = "basicConstraints=CA:false\nextendedKeyUsage=serverAuth,clientAuth\n"
        if names:
            extensions += f"subjectAltName={','.join(names)}\n"
        return self._certificate(common_name, extensions, days, from_day)

    def expired(self):
        return self.server(days=-1)

    def not_yet_valid(self):
        return self.server(from_day=1)

    def other_host(self):
        return self.server(names=("DNS:other.example",))

    def common_name_only(self):
        return self.server(names=(), common_name="localhost")

    def self_signed(self):
        return self._certificate("localhost", "subjectAltName=DNS:localhost,IP:127.0.0.1\n", 30, -30, True)


class Certificates:
    """Certificate files by name in one directory: `good` for localhost and 127.0.0.1; `expired`; `wrong`: for another
    host; `self-signed`; `foreign`: from another CA; and `ca`, the CA itself."""

    def __init__(self):
        self.place = pathlib.Path(tempfile.mkdtemp(prefix="netlab-certificates-"))
        self.place.chmod(0o755)
        atexit.register(shutil.rmtree, self.place, ignore_errors=True)
        own = Authority(self.place / "own", "Netlab test CA")
        foreign = Authority(self.place / "foreign", "Somebody else's CA")
        for name, made in (("ca", own.own), ("good", own.server(common_name="good")), ("expired", own.expired()),
                           ("wrong", own.other_host()), ("self-signed", own.self_signed()), ("foreign", foreign.server())):
            shutil.copy(made.certificate, self.chain(name))
            shutil.copy(made.key, self.key(name))
        self.ca = self.chain("ca")

    def chain(self, name):
        return self.place / f"{name}.pem"

    def key(self, name):
        return self.place / f"{name}.key"
