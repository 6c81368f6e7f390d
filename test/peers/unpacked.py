# SPDX-License-Identifier: MIT
"""Servers from Debian's packages, which are unpacked and not installed.

A package is downloaded once into a cache ($NETLAB_PEERS, else ~/.cache/netlab-peers) and unpacked there. A server runs in
a mount namespace of its own, in which the unpacked files lie over /usr and /etc, so that it finds everything where it
expects it and the machine stays as it is. Needs root and a package source; else the tests are skipped, by name.
"""

import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import unittest

import harness

_cache = pathlib.Path(os.environ.get("NETLAB_PEERS") or pathlib.Path(os.path.expanduser("~")) / ".cache" / "netlab-peers")

# Users whom the servers want to find.
_users = {"postfix": 890, "dovecot": 891, "dovenull": 892, "openldap": 893, "postgres": 894}
_groups = {**_users, "postdrop": 895}


def _obstacle():
    if os.geteuid() != 0:
        return "only root may lay unpacked packages over /usr"
    for program in ("apt-get", "dpkg", "unshare"):
        if shutil.which(program) is None:
            return f"{program} not installed"
    probe = subprocess.run(["unshare", "-m", "sh", "-c", "mkdir -p /tmp/netlab-probe && mount -t overlay overlay "
                            "-o lowerdir=/etc:/usr /tmp/netlab-probe; status=$?; umount /tmp/netlab-probe; "
                            "rmdir /tmp/netlab-probe; exit $status"], capture_output=True, check=False)
    return None if probe.returncode == 0 else "no overlay mounts here"


def unpack(packages):
    """The directory that holds these packages' files."""
    place = _cache / "+".join(packages)
    if (place / "done").exists():
        return place / "root"
    place.mkdir(parents=True, exist_ok=True)
    subprocess.run(["apt-get", "-q", "download", *packages], cwd=place, check=True, capture_output=True, timeout=300)
    for package in place.glob("*.deb"):
        subprocess.run(["dpkg", "-x", package, place / "root"], check=True, capture_output=True, timeout=300)
    for part in ("usr", "etc", "lib"):
        (place / "root" / part).mkdir(exist_ok=True)
    (place / "done").touch()
    return place / "root"


def needs(*packages):
    """Skips a class whose servers cannot be had; else it has `root`."""
    def decorate(case):
        why = _obstacle()
        if why is None:
            try:
                case.root = unpack(packages)
            except (subprocess.SubprocessError, OSError) as failed:
                why = f"{' '.join(packages)} cannot be downloaded: {failed}"
        return unittest.skipIf(why, why or "")(case)
    return decorate


def free_port():
    """A number that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Peer(harness.Case):
    """A test with a scratch directory that lies in /var/tmp, and is open to all."""

    def setUp(self):
        self.place = pathlib.Path(tempfile.mkdtemp(prefix="netlab-peer-", dir="/var/tmp"))
        self.place.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.place, ignore_errors=True)
        etc = self.place / "etc"
        etc.mkdir()
        for name, numbers, form in (("passwd", _users, "{0}:x:{1}:{1}::/nonexistent:/bin/false\n"),
                                    ("group", _groups, "{0}:x:{1}:\n")):
            lines = [line for line in pathlib.Path("/etc", name).read_text().splitlines(True)
                     if line.split(":")[0] not in numbers]
            (etc / name).write_text("".join(lines) + "".join(form.format(*each) for each in numbers.items()))

    def argv(self, *words):
        """The command in the namespace."""
        script = ('mount -t overlay overlay -o "lowerdir=$1/usr:/usr" /usr && '
                  'mount -t overlay overlay -o "lowerdir=$2:$1/etc:/etc" /etc && shift 2 && exec "$@"')
        return ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script, "sh", str(self.root), str(self.place / "etc"), *map(str, words)]

    def start_peer(self, *words, port=None, **how):
        """A server under way, and listening where a port is given; ended, with its children, at the end of the test."""
        process = harness.Process(self.argv(*words), env={**os.environ, "LC_ALL": "C"}, **how)
        self.addCleanup(self.end_peer, process)
        if port is not None:
            def listens():
                if process.child.poll() is not None:
                    raise AssertionError(f"{words}: ended\n{process.out}{process.err}")
                with socket.socket() as probe:
                    return probe.connect_ex(("127.0.0.1", port)) == 0
            harness.until(listens, f"{words[0]} to listen")
        return process

    @staticmethod
    def end_peer(process):
        """What unshare(1) started is the first process of a namespace: all the others end with it."""
        children = pathlib.Path(f"/proc/{process.child.pid}/task/{process.child.pid}/children")
        try:
            first = [int(pid) for pid in children.read_text().split()]
        except OSError:
            first = []
        for pid in first:
            os.kill(pid, 9)
        process.kill()
