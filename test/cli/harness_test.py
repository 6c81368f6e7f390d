# SPDX-License-Identifier: MIT
"""Tests of the test harness: a case that cannot run is skipped by name with the reason, and test/run reports it."""

import contextlib
import io
import json
import pathlib
import subprocess
import sys
import unittest

import harness

TALLY = pathlib.Path(__file__).resolve().parent.parent / "tally"


class Skips(harness.Case):
    def report(self, inner):
        """The TAP lines of the cases of a class."""
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()):
            unittest.defaultTestLoader.loadTestsFromTestCase(inner).run(harness._Tap())
        return out.getvalue().splitlines()

    def test_absent_program(self):
        """harness: a program that is not installed skips the case, by the program's name"""
        class Inner(harness.Case):
            def test_run(self):
                """run"""
                harness.run(["no-such-program", "-x"])

            def test_start(self):
                """start"""
                self.background("no-such-program")

            def test_subtests(self):
                """subtests"""
                for each in range(2):
                    with self.subTest(each):
                        subprocess.run(["no-such-program"], check=True)

        self.assertEqual(self.report(Inner), [f"ok {number} - {name} # SKIP no-such-program not installed"
                                              for number, name in ((1, "run"), (2, "start"), (3, "subtests"))])

    def test_absent_program_of_all(self):
        """harness: a program that a whole class needs and that is not installed skips the class, by name"""
        class Inner(harness.Case):
            @classmethod
            def setUpClass(cls):
                subprocess.run(["no-such-program"], check=True)

            def test_it(self):
                """it"""

        self.assertEqual(self.report(Inner), ["ok 1 - every case of Inner # SKIP no-such-program not installed"])

    def test_absent_file(self):
        """harness: a file that is missing is an error, and so is a program with a path"""
        class Inner(harness.Case):
            def test_file(self):
                """file"""
                pathlib.Path("no-such-file").read_text()

            def test_program(self):
                """program"""
                harness.run(["/nonexistent/netlab"])

        self.assertEqual(self.report(Inner), ["not ok 1 - file", "not ok 2 - program"])


class Tally(harness.Case):
    def test_reasons(self):
        """tally: what was skipped is listed under its reason, then what failed; the counts are the last line"""
        log = self.scratch() / "testlog"
        tests = [{"name": "netlab:cli / usage", "result": "FAIL", "stdout": ""},
                 {"name": "netlab:peers / peers wire", "result": "SKIP", "stdout": "1..0 # SKIP tshark not installed\n"},
                 {"name": "netlab:netns / scan", "result": "OK", "stdout": ""}]
        pathlib.Path(f"{log}.json").write_text("".join(json.dumps(test) + "\n" for test in tests))
        pathlib.Path(f"{log}.junit.xml").write_text("""<testsuites>
<testsuite name="netlab.usage"><testcase name="1 - a"/><testcase name="2 - b"><failure/></testcase></testsuite>
<testsuite name="netlab.scan"><testcase name="1 - c"><skipped/><system-out>no namespaces</system-out></testcase>
<testcase name="2 - d"/><testcase name="3 - e"><skipped/><system-out>no namespaces</system-out></testcase></testsuite>
</testsuites>""")
        done = harness.run([sys.executable, "-B", str(TALLY), "--passed", "3", "--failed", "format", "--skipped", "bare=no root",
                            str(log)])
        self.assertEqual(done.status, 1)
        self.assertEqual(done.lines, ["not tested: no root", "  bare", "not tested: tshark not installed", "  netlab:peers / peers wire",
                                      "not tested: no namespaces", "  scan: c", "  scan: e", "failed: format", "failed: usage: b",
                                      "5 passed, 2 failed, 4 skipped"])


if __name__ == "__main__":
    harness.main()
