#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The parts of a scan on schedulers: Slurm, GNU parallel, and the variables of a Kubernetes job. The recipes are those of
man netlab-scan."""

import json
import os
import pathlib
import shlex
import signal
import socket
import subprocess
import time

import harness
import unpacked

# A scheduler takes its time: it looks at its queue every second or two, and starts a job again after five.
PATIENCE = 240


class Cluster(unpacked.Peer):
    def setUp(self):
        super().setUp()
        listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(4)]
        for each in listeners:
            self.addCleanup(each.close)
        ports = ",".join(str(each.getsockname()[1]) for each in listeners)
        # In words of a shell script.
        self.scan = shlex.join([str(harness.NETLAB), "scan", "127.0.0.1", "--range", f"1-400,{ports}", "--rate", "50",
                                "--no-banner", "--no-send", "--all", "--json"])

    def here(self, script, env=None):
        """Runs a script in the namespace, in the scratch directory."""
        return subprocess.run(unpacked.in_namespace(self.root, self.place / "etc", 'cd "$1"; exec sh -c "$2"', self.place, script),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=PATIENCE,
                              env={**os.environ, "LC_ALL": "C", **(env or {})})

    def until(self, holds, what):
        ends = time.monotonic() + PATIENCE
        while not holds():
            self.assertLess(time.monotonic(), ends, f"{what}: not within {PATIENCE} s")
            time.sleep(0.1)

    def known(self, part):
        """The findings in the state file of a part."""
        try:
            return sum(json.loads((self.place / f"state.{part}").read_text())["by_state"])
        except (OSError, ValueError):
            return 0

    def process(self, part):
        """The process that scans this part."""
        for each in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                words = (each / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"scan" in words and f"state.{part}".encode() in words:
                return int(each.name)
        return None

    def kill(self, part, number=signal.SIGKILL):
        """Sends a signal to the process that scans this part, once it has found something."""
        self.until(lambda: self.known(part) > 0, f"part {part} to begin")
        process = self.process(part)
        self.assertIsNotNone(process, f"part {part} ended too early")
        os.kill(process, number)

    def findings(self, text):
        *lines, summary = [json.loads(line) for line in text.splitlines()]
        self.assertTrue(summary["summary"]["complete"], summary)
        return sorted((one["proto"], one["address"], one["port"], one["state"]) for one in lines)

    def assert_union(self, *files):
        """The reports of the parts together are the report of the whole scan."""
        merged = self.netlab("scan", "--merge", "--json", "--all", *files)
        whole = harness.run(shlex.split(self.scan.replace("--rate 50 ", "")))
        self.assertEqual(self.findings(merged.out), self.findings(whole.out))


class Slurm(Cluster):
    packages = ("munge", "slurm-client", "slurmctld", "slurmd")

    def setUp(self):
        super().setUp()
        node = os.uname().nodename.split(".")[0]
        place = self.place
        control_port, node_port = unpacked.free_ports(2)
        for name in ("etc/slurm", "control", "node"):
            (place / name).mkdir()
        (place / "etc/slurm/slurm.conf").write_text(f"""
            ClusterName=netlab
            SlurmctldHost={node}(127.0.0.1)
            SlurmctldPort={control_port}
            SlurmdPort={node_port}
            # A requeued job waits until its credential has expired.
            AuthType=auth/munge
            AuthInfo=socket={place}/munge.socket,cred_expire=5
            CryptoType=crypto/munge
            SlurmUser=root
            SlurmdUser=root
            StateSaveLocation={place}/control
            SlurmdSpoolDir={place}/node
            SlurmctldPidFile={place}/control.pid
            SlurmdPidFile={place}/node.pid
            SlurmctldLogFile={place}/control.log
            SlurmdLogFile={place}/node.log
            ProctrackType=proctrack/linuxproc
            TaskPlugin=task/none
            SelectType=select/cons_tres
            SelectTypeParameters=CR_CPU
            SlurmdParameters=config_overrides
            SchedulerType=sched/builtin
            SchedulerParameters=sched_interval=2
            MpiDefault=none
            RequeueExit=75
            NodeName={node} NodeAddr=127.0.0.1 CPUs=4 State=UNKNOWN
            PartitionName=all Nodes={node} Default=YES MaxTime=INFINITE State=UP
        """)
        (place / "munge.key").write_bytes(os.urandom(1024))
        (place / "munge.key").chmod(0o400)
        files = " ".join(f"--{name}-file={place}/munge.{name}" for name in ("key", "pid", "log", "seed"))
        process = harness.Process(unpacked.in_namespace(self.root, place / "etc", f"""
            /usr/sbin/munged --force --socket={place}/munge.socket {files}
            # Debian's names end in -wlm; Slurm 24.11 goes by the names without it.
            for name in slurmctld slurmd slurmstepd; do ln -s /usr/sbin/$name-wlm {place}/$name; done
            {place}/slurmctld
            {place}/slurmd -d {place}/slurmstepd
            exec sleep {2 * PATIENCE}
        """))
        self.addCleanup(process.kill)
        self.addCleanup(unpacked.end, process.child)
        self.until(lambda: " idle " in self.here("sinfo").stdout, "Slurm to run")

    def log(self):
        return "".join((self.place / name).read_text() for name in ("control.log", "node.log"))

    def submit(self):
        done = self.here("sbatch --parsable scan.sh")
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def wait(self, job):
        self.until(lambda: not self.here(f"squeue --noheader --jobs {job}").stdout.strip(), "the job to end")

    def test_array(self):
        """scan: the parts in an array of Slurm are the whole scan; one that was ended is requeued, and goes on"""
        (self.place / "scan.sh").write_text(f"""#!/bin/sh
#SBATCH --array=1-4 --requeue --open-mode=append --signal=B:TERM@60
exec {self.scan} --shard $SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT \\
  --resume state.$SLURM_ARRAY_TASK_ID -o part.$SLURM_ARRAY_TASK_ID
""")
        job = self.submit()
        self.until(lambda: self.known(2) > 0, "part 2 to begin")
        self.assertEqual(self.here(f"scancel --batch --signal=TERM {job}_2").returncode, 0)
        self.kill(3)
        self.wait(job)
        self.assertEqual(self.log().count("Requeuing JobId="), 1, self.log())
        self.assertFalse(json.loads((self.place / "state.3").read_text())["finished"])
        self.netlab("scan", "--merge", *sorted(self.place.glob("part.*")), status=harness.PARTLY)
        self.wait(self.submit())
        self.assertEqual(len(list(self.place.glob("part.*"))), 4)
        self.assert_union(*sorted(self.place.glob("part.*")))

    def test_array_from_0(self):
        """scan: an array may begin at 0, and SLURM_ARRAY_TASK_MIN says where it does"""
        (self.place / "scan.sh").write_text(f"""#!/bin/sh
#SBATCH --array=0-2
{self.scan} --shard $((SLURM_ARRAY_TASK_ID - SLURM_ARRAY_TASK_MIN + 1))/$SLURM_ARRAY_TASK_COUNT -o part.$SLURM_ARRAY_TASK_ID
""")
        self.wait(self.submit())
        self.assert_union(*sorted(self.place.glob("part.*")))


class Parallel(Cluster):
    packages = ("parallel",)

    def test_retries(self):
        """scan: with GNU parallel, the parts are the whole scan, and one that was ended is started again and resumes"""
        process = harness.Process(unpacked.in_namespace(self.root, self.place / "etc", 'cd "$1"; exec sh -c "$2"', self.place,
                                                        f"parallel --retries 5 {self.scan} --shard {{}}/4 "
                                                        "--resume state.{} -o part.{} ::: 1 2 3 4"),
                                  env={**os.environ, "LC_ALL": "C"})
        self.addCleanup(process.kill)
        self.addCleanup(unpacked.end, process.child)
        self.kill(1, signal.SIGTERM)
        self.until(lambda: process.child.poll() is not None, "parallel to end")
        self.assertEqual(process.child.returncode, 0, process.err)
        self.assert_union(*sorted(self.place.glob("part.*")))

    def test_output(self):
        """scan: the reports that GNU parallel collects from standard output can be merged"""
        done = self.here(f"seq 5 | parallel {self.scan} --shard {{#}}/5 > all.json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_union(self.place / "all.json")


class Kubernetes(harness.Case):
    def test_index(self):
        """scan: the completion index of a Kubernetes job begins at 0"""
        words = shlex.join([str(harness.NETLAB), "scan", "127.0.0.1", "--range", "1-50", "--no-banner", "--no-send"])
        folder = self.scratch()
        for index in range(3):
            subprocess.run(["sh", "-c", f"{words} --json --shard $((JOB_COMPLETION_INDEX + 1))/3 -o part.$JOB_COMPLETION_INDEX"],
                           cwd=folder, env={**os.environ, "JOB_COMPLETION_INDEX": str(index)}, check=True)
        self.netlab("scan", "--merge", *sorted(folder.glob("part.*")))


if __name__ == "__main__":
    harness.main()
