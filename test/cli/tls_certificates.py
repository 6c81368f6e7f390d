# SPDX-License-Identifier: MIT
"""Certificates for tests, made by openssl(1): a CA, a good one, and those that are wrong in one way each."""

import pathlib
import shutil
import subprocess
import tempfile
import unittest
import atexit

needs_openssl = unittest.skipUnless(shutil.which("openssl"), "openssl not installed")


def _openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, timeout=60)


class Certificates:
    """`good` for localhost and 127.0.0.1; `expired`; `wrong`: for another host; `self-signed`; `foreign`: of another CA."""

    def __init__(self):
        self.place = pathlib.Path(tempfile.mkdtemp(prefix="netlab-certificates-"))
        self.place.chmod(0o755)
        atexit.register(shutil.rmtree, self.place, ignore_errors=True)
        self.ca = self._self_signed("ca", "Netlab test CA")
        self._self_signed("other-ca", "Somebody else's CA")
        here = "DNS:localhost,IP:127.0.0.1"
        self._leaf("good", "ca", here)
        self._leaf("expired", "ca", here, days=-1)
        self._leaf("wrong", "ca", "DNS:other.example")
        self._leaf("foreign", "other-ca", here)
        self._self_signed("self-signed", "localhost", here)

    def chain(self, name):
        return self.place / f"{name}.pem"

    def key(self, name):
        return self.place / f"{name}.key"

    def _self_signed(self, name, subject, names=None):
        extra = ["-addext", f"subjectAltName={names}"] if names else []
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.key(name),
                 "-out", self.chain(name), "-days", 30, "-subj", f"/CN={subject}", *extra)
        return self.chain(name)

    def _leaf(self, name, by, names, days=30):
        request, extensions = self.place / f"{name}.csr", self.place / f"{name}.ext"
        extensions.write_text(f"subjectAltName={names}\n")
        _openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.key(name),
                 "-out", request, "-subj", f"/CN={name}")
        _openssl("x509", "-req", "-in", request, "-CA", self.chain(by), "-CAkey", self.key(by), "-CAcreateserial", "-days",
                 days, "-extfile", extensions, "-out", self.chain(name))
