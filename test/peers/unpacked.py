# SPDX-License-Identifier: MIT
"""Servers from Debian's packages, which are unpacked and not installed.

A package is downloaded once, with all dependencies that are not installed on this machine, and unpacked into a
directory ($NETLAB_TEST_CACHE, else ~/.cache/netlab/peers). A server runs in a mount namespace of its own, in which the
unpacked files are overlaid on /usr and /etc, so that it finds its files in the usual places and the machine is not
changed. Needs root, mount namespaces and a package source; otherwise the tests are skipped by name."""

import contextlib
import functools
import os
import pathlib
import platform
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

import harness

_cache = pathlib.Path(os.environ.get("NETLAB_TEST_CACHE") or pathlib.Path.home() / ".cache/netlab/peers")

# Users that the servers need.
_users = {"postfix": 890, "dovecot": 891, "dovenull": 892, "openldap": 893, "postgres": 894}
_groups = {**_users, "postdrop": 895}

_lay_over = """
mount -t overlay overlay -o "lowerdir=$1/usr:/usr" /usr
mount -t overlay overlay -o "lowerdir=$2:$1/etc:/etc" /etc
shift 2
"""


def in_namespace(root, etc, script, *words):
    """The command line of a shell script, with the arguments `words`, in a mount namespace in which the files of `root`
    are overlaid on /usr and /etc, and those of `etc` on top in /etc. It ends with all its children."""
    return ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-ec", _lay_over + script, "sh",
            str(root), str(etc), *map(str, words)]


def end(process):
    """Ends what in_namespace() started: when its first process ends, all others do.

    If that process changes its user, it is no longer killed at the end of unshare."""
    children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children")
    try:
        first = [int(pid) for pid in children.read_text(encoding="ascii").split()]
    except OSError:
        first = []
    for pid in first:
        os.kill(pid, signal.SIGKILL)
    process.kill()
    process.wait()


@functools.cache
def _obstacle():
    """Why no server can run from its package here, or None."""
    if os.geteuid() != 0:
        return "only root may lay unpacked packages over /usr"
    if shutil.which("unshare") is None:
        return "unshare not installed"
    with tempfile.TemporaryDirectory(prefix="netlab-peer-") as place:
        for name in ("root/usr", "root/etc", "etc", "upper", "work"):
            pathlib.Path(place, name).mkdir(parents=True)
        script = f"mount -t overlay overlay -o lowerdir=/var,upperdir={place}/upper,workdir={place}/work /var"
        probe = subprocess.run(in_namespace(f"{place}/root", f"{place}/etc", script), stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False, timeout=60,
                               env={**os.environ, "LC_ALL": "C"})
        if probe.returncode == 0:
            return None
        return f"mounting over /usr in a namespace is refused here: {_last_line(probe.stderr)}"


def needs_namespace():
    """Skips if no server can run from its package."""
    if why := _obstacle():
        raise unittest.SkipTest(why)


def _last_line(text):
    return (text.strip().splitlines() or [""])[-1].strip()


def unpack(name, packages, backports=False):
    """The directory with the files of the packages and of all dependencies that are not installed here. Skips if they
    are not available. `name`: the directory in the cache; `backports` takes the packages from Debian 12's backports."""
    place = _cache / name
    if (place / "complete").exists():
        return place / "root"
    for tool in ("apt-get", "dpkg-deb", "tar"):
        if shutil.which(tool) is None:
            raise unittest.SkipTest(f"{tool} not installed, without which {name} cannot be unpacked")
    shutil.rmtree(place, ignore_errors=True)
    (place / "debs").mkdir(parents=True)

    def run(*words, timeout=300):
        done = subprocess.run(words, cwd=place / "debs", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, check=False, timeout=timeout, env={**os.environ, "LC_ALL": "C"})
        if done.returncode != 0:
            shutil.rmtree(place, ignore_errors=True)
            raise unittest.SkipTest(f"{name} cannot be unpacked: {_last_line(done.stderr)}")
        return done.stdout

    if backports and platform.freedesktop_os_release().get("VERSION_CODENAME") == "bookworm":
        release = ["-t", "bookworm-backports"]
    else:
        release = []
    # What apt would install; simulated here, because packages that are already installed must be unpacked, too.
    plan = run("apt-get", "-s", "install", "--no-install-recommends", *release, *packages)
    wanted = {line.split()[1] for line in plan.splitlines() if line.startswith("Inst ")} | set(packages)
    run("apt-get", "-q", "download", *release, *sorted(wanted))
    root = place / "root"
    # As on the machine, where /lib is /usr/lib: the files are overlaid on /usr.
    for part in ("usr/lib", "usr/bin", "usr/sbin", "etc"):
        (root / part).mkdir(parents=True)
    for part in ("lib", "bin", "sbin"):
        (root / part).symlink_to(f"usr/{part}")
    for package in sorted((place / "debs").glob("*.deb")):
        run("sh", "-c", 'dpkg-deb --fsys-tarfile "$1" | tar -x --keep-directory-symlink -C "$2"', "sh", str(package), str(root))
    shutil.rmtree(place / "debs")
    (place / "complete").touch()
    return root


def free_ports(count):
    """`count` different port numbers that are free now."""
    with contextlib.ExitStack() as opened:
        listeners = [opened.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [listener.getsockname()[1] for listener in listeners]


def free_port():
    """A port number that is free now."""
    return free_ports(1)[0]


def _accepts(address):
    """Whether a server accepts connections at a TCP port of 127.0.0.1 or at the path of a Unix socket."""
    is_port = isinstance(address, int)
    with socket.socket(socket.AF_INET if is_port else socket.AF_UNIX) as probe:
        return probe.connect_ex(("127.0.0.1", address) if is_port else str(address)) == 0


class Peer(harness.Case):
    """A test with a scratch directory in /var/tmp that all users may enter; `packages` are unpacked in `root`."""

    packages = ()

    @classmethod
    def setUpClass(cls):
        needs_namespace()
        cls.root = unpack("+".join(cls.packages), cls.packages)

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
        """The command line in the namespace."""
        return in_namespace(self.root, self.place / "etc", 'exec "$@"', *words)

    def start_peer(self, *words, listening=(), **how):
        """Starts a server, and waits until it accepts connections at each of `listening`: TCP ports of 127.0.0.1 and
        paths of Unix sockets. It ends with its children at the end of the test."""
        process = harness.Process(self.argv(*words), env={**os.environ, "LC_ALL": "C"}, **how)
        self.addCleanup(process.kill)
        self.addCleanup(end, process.child)
        for address in listening:
            def listens(address=address):
                if process.child.poll() is not None:
                    raise AssertionError(f"{words}: ended\n{process.out}{process.err}")
                return _accepts(address)
            harness.until(listens, f"{words[0]} to listen at {address}")
        return process
