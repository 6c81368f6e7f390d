#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""netlab base64."""

import base64
import json
import os
import random

import harness
from harness import BAD_DATA, Case


class Base64(Case):
    def test_encode(self):
        """base64: encodes its arguments"""
        for text, encoded in (("student", "c3R1ZGVudA=="), ("a", "YQ=="), ("ab", "YWI="), ("abc", "YWJj"), ("ä", "w6Q="), ("", "")):
            self.assertEqual(self.netlab("base64", text).out, encoded + "\n")

    def test_words(self):
        """base64: several words are joined by blanks"""
        self.assertEqual(self.netlab("base64", "a", "b").out, self.netlab("base64", "a b").out)

    def test_decode(self):
        """base64: -d and --decode decode, exactly, without a line end of their own"""
        for option in ("-d", "--decode"):
            self.assertEqual(self.netlab("base64", option, "VXNlcm5hbWU6").out, "Username:")

    def test_stdin(self):
        """base64: encodes and decodes stdin octet for octet"""
        chance = random.Random(3)
        for size in (0, 1, 2, 3, 57, 1000, 1 << 20):
            octets = chance.randbytes(size)
            encoded = self.netlab("base64", input=octets).out
            self.assertEqual(encoded, base64.b64encode(octets).decode() + "\n")
            self.assertEqual(harness.octets_of(self.netlab("base64", "-d", input=encoded).out), octets)

    def test_auth_plain(self):
        """base64: the argument of AUTH PLAIN"""
        self.assertEqual(self.netlab("base64", input=b"\0user\0secret").out, "AHVzZXIAc2VjcmV0\n")

    def test_lines(self):
        """base64: what other programs break into lines is decoded"""
        octets = os.urandom(300)
        self.assertEqual(harness.octets_of(self.netlab("base64", "-d", input=base64.encodebytes(octets)).out), octets)
        crlf = base64.encodebytes(octets).replace(b"\n", b"\r\n")
        self.assertEqual(harness.octets_of(self.netlab("base64", "-d", input=crlf).out), octets)

    def test_bad(self):
        """base64: what is not Base64 ends with 65"""
        for bad in ("A", "AB=C", "AAA", "####", "AA==AA==", "AA=", "=AAA", "AB_-", "AAAA\x1b"):
            with self.subTest(bad):
                done = self.refused("base64", "-d", bad, status=BAD_DATA)
                self.assertNotIn("\x1b", done.err)

    def test_json(self):
        """base64: JSON in both directions"""
        self.assertEqual(json.loads(self.netlab("base64", "--json", "hi").out), {"base64": "aGk="})
        self.assertEqual(json.loads(self.netlab("base64", "-d", "--json", "aGk=").out), {"text": "hi"})
        self.assertEqual(json.loads(self.netlab("base64", "-d", "--json", "//7A").out), {"text": None, "hex": "fffec0"})

    def test_dash_words(self):
        """base64: behind -- a word may begin with a dash"""
        self.assertEqual(self.netlab("base64", "--", "-d").out, "LWQ=\n")


if __name__ == "__main__":
    harness.main()
