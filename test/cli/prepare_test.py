# SPDX-License-Identifier: MIT
"""What app/run and test/run do before they build, with a fake apt."""

import os
import pathlib

import harness

PREPARE = pathlib.Path(__file__).resolve().parent.parent.parent / "app" / "prepare.sh"

PROGRAMS = {
    # Fails with a lock error as often as the file says; then it installs the packages.
    "apt-get": r"""
        left=$(cat "$PLACE/locked")
        if [ "$left" -gt 0 ]; then
          echo $((left - 1)) >"$PLACE/locked"
          echo "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 4711 (unattended-upgr)"
          exit 100
        fi
        for word; do
          case $word in install) installs=1 ;; esac
          case "$installs$word" in 1[a-z]*) echo "$word" >>"$PLACE/installed" ;; esac
        done""",
    "dpkg-query": r"""
        shift 3
        for word; do ! grep -qx "$word" "$PLACE/installed" || printf 'installed=%s=99 ' "$word"; done""",
    "dpkg": "",
    "sleep": 'echo "$1" >>"$PLACE/slept"',
    "sudo": '[ "$1" != -n ] || shift; exec "$@"',
}


class Prepare(harness.Case):
    def need(self, locked, before=""):
        """Runs `need` for a missing package, after `before`, with an apt-get that is locked for `locked` calls:
        (result, place)."""
        place = self.scratch()
        (place / "locked").write_text(f"{locked}\n")
        (place / "installed").touch()
        for name, script in PROGRAMS.items():
            (place / name).write_text(f"#!/bin/sh\n{script}\n")
            (place / name).chmod(0o755)
        done = harness.run(["sh", "-euc", f'root=$1; . "$2"; {before}\nneed "libnosuch-dev  -  for the test"', "sh", str(place), str(PREPARE)],
                           env=harness.environment({"PATH": f"{place}:{os.environ['PATH']}", "PLACE": place}))
        return done, place

    def test_installs(self):
        """prepare: what is missing is installed, and said"""
        done, place = self.need(locked=0)
        self.assertEqual((done.status, done.out, done.err), (0, "", "netlab: installing libnosuch-dev\n"))
        self.assertIn("libnosuch-dev\n", (place / "installed").read_text())

    def test_waits_for_lock(self):
        """prepare: a lock of apt's that is held for a minute is waited for, and who holds it is said once"""
        done, place = self.need(locked=60)
        self.assertEqual(done.status, 0, done.err)
        self.assertEqual(done.error_lines, ["netlab: installing libnosuch-dev",
                                            "netlab: waiting for apt's lock, held by unattended-upgr (process 4711)"])
        self.assertEqual(len((place / "slept").read_text().splitlines()), 60)
        self.assertIn("libnosuch-dev\n", (place / "installed").read_text())

    def test_lock_without_end(self):
        """prepare: a lock of apt's that is held for ever ends with 75, and nothing else is shown"""
        done, _ = self.need(locked=9, before="lock_patience=5")
        self.assertEqual(done.status, harness.TRY_LATER, done.err)
        self.assertEqual(done.error_lines[2:], ["netlab: unattended-upgr (process 4711) has held a lock of apt's for 5 s"])


if __name__ == "__main__":
    harness.main()
