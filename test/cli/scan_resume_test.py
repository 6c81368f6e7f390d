# SPDX-License-Identifier: MIT
"""netlab scan --resume: a scan that was ended, however it was ended, goes on where it was."""

import json
import signal
import socket
import xml.etree.ElementTree

import harness
from harness import BAD_DATA, CANNOT_CREATE, CONFIG, DONE, IO, PARTLY, TRY_LATER, main


class ResumeCase(harness.Case):
    def setUp(self):
        self.folder = self.scratch()
        self.state = self.folder / "state"
        self.report = self.folder / "report"

    def words(self, *more):
        return ("scan", *map(str, more), "--resume", str(self.state))

    def known(self):
        return json.loads(self.state.read_text()) if self.state.exists() and self.state.stat().st_size else {}

    def begun(self, *words, findings=1):
        """A scan of which a state with so many findings was written."""
        scan = self.start(*self.words(*words))
        harness.until(lambda: sum(self.known().get("by_state", [0])) >= findings, "a state with findings")
        return scan

    def kill(self, *words, **how):
        scan = self.begun(*words, **how)
        scan.send(signal.SIGKILL)
        scan.wait()
        self.assertFalse(self.known()["finished"])

    def resume(self, *words, status=DONE):
        return self.netlab(*self.words(*words), status=status)

    def ports(self, text):
        *lines, summary = [json.loads(line) for line in text.splitlines()]
        return [(one["proto"], one["address"], one["port"]) for one in lines], summary["summary"]

    def expected(self, first, last, *protos):
        return sorted((proto, "127.0.0.1", port) for proto in protos for port in range(first, last + 1))


class Killed(ResumeCase):
    slow = ("127.0.0.1", "--range", "1-300", "--rate", "75", "--all", "--no-banner", "--no-send")

    def test_json(self):
        """scan --resume: after kill -9 the report has each port once, and a torn last line is cut off"""
        self.kill(*self.slow, "--json", "-o", self.report)
        known = sum(self.known()["by_state"])
        with open(self.report, "ab") as report:
            report.write(b'{"host":"127.0.0.1","addr')
        done = self.resume()
        self.assertEqual(done.out, "")
        seen, summary = self.ports(self.report.read_text())
        self.assertEqual(sorted(seen), self.expected(1, 300, "tcp"))
        self.assertTrue(summary["complete"])
        self.assertEqual(sum(summary[state] for state in ("open", "closed", "filtered", "unknown")), 300)
        self.assertGreater(known, 0)

    def test_csv(self):
        """scan --resume: CSV is appended to, below one heading"""
        self.kill(*self.slow, "--format", "csv", "-o", self.report)
        self.resume()
        heading, *lines = self.report.read_text().splitlines()
        self.assertTrue(heading.startswith("host,address"))
        self.assertEqual(sorted(int(line.split(",")[3]) for line in lines), list(range(1, 301)))

    def test_twice(self):
        """scan --resume: killed again and again, it comes to the same end"""
        self.kill(*self.slow, "--json", "-o", self.report)
        self.kill(*self.slow, "--json", "-o", self.report, findings=110)
        self.resume(*self.slow, "--json", "-o", self.report)
        self.assertEqual(sorted(self.ports(self.report.read_text())[0]), self.expected(1, 300, "tcp"))

    def test_table(self):
        """scan --resume: a table has what was found before the end, whether in a file or not"""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            for words in (["-o", self.report], []):
                self.state.unlink(missing_ok=True)
                self.kill("127.0.0.1", "--range", f"1-200,{port}", "--rate", "75", "--no-banner", "--no-send", *words)
                out = self.resume().out
                text = self.report.read_text() if words else out
                self.assertIn(f"{port}/tcp", text.replace(" ", ""))
                self.assertRegex(text, "200 ports closed|200 closed|closed.*200")
                self.assertEqual(sorted(each.name for each in self.folder.iterdir()),
                                 ["report", "state"] if words else ["report", "state"])

    def test_xml(self):
        """scan --resume: nmap's XML is well-formed and complete after any end"""
        words = (*self.slow, "--format", "nmap-xml", "-o", self.report)
        scan = self.begun(*words)
        scan.send(signal.SIGTERM)
        scan.wait()
        xml.etree.ElementTree.parse(self.report)
        self.resume()
        ports = xml.etree.ElementTree.parse(self.report).findall(".//port")
        self.assertEqual(sorted(int(port.get("portid")) for port in ports), list(range(1, 301)))

    def test_standard_output(self):
        """scan --resume: each run without -o prints the whole report so far"""
        self.kill(*self.slow, "--json")
        seen, summary = self.ports(self.resume().out)
        self.assertEqual(sorted(seen), self.expected(1, 300, "tcp"))
        self.assertEqual(summary["closed"] + summary["open"], 300)

    def test_udp(self):
        """scan --resume: UDP ports, too, are reported once"""
        words = ("tcp", "udp", "127.0.0.1", "--range", "1-150", "--rate", "75", "--all", "--no-banner", "--no-send",
                 "--json", "-o", self.report)
        self.kill(*words)
        self.resume()
        self.assertEqual(sorted(self.ports(self.report.read_text())[0]), self.expected(1, 150, "tcp", "udp"))

    def test_shard(self):
        """scan --resume: a part of a scan can be resumed, and stays that part"""
        words = (*self.slow, "--json", "--shard", "1/2")
        self.kill(*words, "-o", self.report)
        self.resume()
        seen, summary = self.ports(self.report.read_text())
        self.assertEqual(summary["shard"], "1/2")
        self.assertEqual(sorted(seen), sorted(self.ports(self.netlab("scan", *words).out)[0]))

    def test_open_ports(self):
        """scan --resume: a port that was in conversation when the scan was killed is asked again"""
        held = self.silent_listener()
        self.kill("127.0.0.1", "--range", f"1-120,{held}", "--rate", "40", "--seed", "3", "--all", "--json", "--send", "x",
                  "-o", self.report)
        self.resume()
        seen, summary = self.ports(self.report.read_text())
        self.assertEqual(sorted(port for _, _, port in seen), [*range(1, 121), held])
        self.assertEqual(summary["open"], 1)

    def silent_listener(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        return listener.getsockname()[1]


class Ended(ResumeCase):
    slow = Killed.slow

    def test_signals(self):
        """scan --resume: SIGINT and SIGTERM end with 75, the report is marked incomplete, and the next run goes on"""
        for number in (signal.SIGINT, signal.SIGTERM):
            self.state.unlink(missing_ok=True)
            scan = self.begun(*self.slow, "--json", "-o", self.report)
            scan.send(number)
            self.assertEqual(scan.wait().status, TRY_LATER)
            _, summary = self.ports(self.report.read_text())
            self.assertEqual((summary["complete"], summary["because"]), (False, "interrupted"))
            self.resume()
            seen, summary = self.ports(self.report.read_text())
            self.assertEqual(sorted(seen), self.expected(1, 300, "tcp"))
            self.assertTrue(summary["complete"])

    def test_at_once(self):
        """scan --resume: a signal that comes before the scan has begun is 75, too"""
        for _ in range(5):
            self.state.unlink(missing_ok=True)
            scan = self.start(*self.words(*self.slow, "--json"))
            harness.until(self.state.exists, "the state file")
            scan.send(signal.SIGTERM)
            self.assertIn(scan.wait().status, (TRY_LATER, DONE))
        self.resume()

    def test_max_time(self):
        """scan --resume: --max-time ends a run with 75; it is no option of the scan"""
        words = (*self.slow, "--json", "-o", self.report)
        self.resume(*words, "--max-time", "500ms", status=TRY_LATER)
        self.assertIn("--max-time 500ms", self.ports(self.report.read_text())[1]["because"])
        self.resume("--max-time", "400ms", status=TRY_LATER)
        self.resume()
        self.assertEqual(sorted(self.ports(self.report.read_text())[0]), self.expected(1, 300, "tcp"))

    def test_finished(self):
        """scan --resume: a finished scan does nothing more, and ends as it did"""
        for host, status in (("127.0.0.1", DONE), ("127.0.0.1,none.invalid", PARTLY)):
            self.state.unlink(missing_ok=True)
            self.resume(host, "--range", "1-20", "--json", "-o", self.report, status=status)
            self.assertTrue(self.known()["finished"])
            before = self.report.read_bytes()
            self.report.write_bytes(before + b"x")
            done = self.resume(status=status)
            self.assertEqual(done.out, "")
            self.assertIn("this scan is finished", done.err)
            self.assertEqual(self.report.read_bytes(), before + b"x")

    def test_names(self):
        """scan --resume: a later run asks the addresses that the names had in the first one"""
        scan = self.begun("-4", "localhost", "--range", "1-300", "--rate", "75", "--json", "-o", self.report)
        scan.send(signal.SIGTERM)
        scan.wait()
        self.assertEqual(self.known()["names"], {"localhost": ["127.0.0.1"]})
        self.resume("-4", "localhost")
        self.assertTrue(self.ports(self.report.read_text())[1]["complete"])


    def test_cannot_save(self):
        """scan --resume: when the state cannot be written, the scan goes on, says so once, and ends with 74"""
        scan = self.begun(*self.slow, "--json", "-o", self.report)
        obstacle = self.folder / "state.tmp"
        obstacle.mkdir()
        self.assertEqual(scan.wait().status, IO)
        self.assertIn(f"write {self.state}", scan.err)
        self.assertLessEqual(len(scan.err.splitlines()), 2)
        self.assertTrue(self.ports(self.report.read_text())[1]["complete"])
        obstacle.rmdir()
        self.resume()
        self.assertEqual(sorted(self.ports(self.report.read_text())[0]), self.expected(1, 300, "tcp"))

    def test_link(self):
        """scan --resume: a symbolic link stays one, and the file that it names has the state"""
        link = self.folder / "link"
        link.symlink_to(self.state)
        self.netlab("scan", "127.0.0.1", "--range", "1-5", "--resume", link)
        self.assertTrue(link.is_symlink())
        self.assertTrue(self.known()["finished"])


class Refused(ResumeCase):
    def stopped(self, *words):
        """A scan that was ended early."""
        self.resume("127.0.0.1", "--range", "1-300", "--rate", "150", *words, "--max-time", "300ms", status=TRY_LATER)

    def assert_refused(self, *words, status=CONFIG, says=""):
        before = self.state.read_bytes()
        self.refused(*self.words(*words), status=status, says=says)
        self.assertEqual(self.state.read_bytes(), before)

    def test_options(self):
        """scan --resume: other options than those of the first run are refused by name"""
        self.stopped("--json", "-o", self.report)
        for words, says in ((["--rate", "200"], "its scan was begun with --rate 150"),
                            (["--range", "1-301"], "its scan was begun with --range 1-300"),
                            (["--timeout", "2s"], "its scan was begun without --timeout"),
                            (["udp"], "its scan was begun without --udp"),
                            (["--shard", "1/2"], "its scan was begun without --shard"),
                            (["--format", "csv"], "its scan was begun with --format json"),
                            (["-o", self.folder / "other"], f"its scan was begun with --output {self.report}"),
                            (["127.0.0.2"], "its scan was begun for 127.0.0.1"),
                            (["127.0.0.1", "127.0.0.2"], "its scan was begun for 127.0.0.1"),
                            (["--host", "127.0.0.2"], "its scan was begun for 127.0.0.1")):
            self.assert_refused(*words, says=says)
        self.resume("127.0.0.1", "--range", "1-300", "--rate", "150", "--json", "-o", self.report)

    def test_environment(self):
        """scan --resume: the environment of a later run changes nothing"""
        self.stopped("--json")
        done = self.netlab(*self.words(), env={"NETLAB_SCAN_RANGE": "1-9", "NETLAB_SCAN_HOST": "127.0.0.9",
                                               "NETLAB_SCAN_ALL": "yes"})
        self.assertEqual(self.ports(done.out)[1]["tcp_range"], "1-300")

    def test_target_file(self):
        """scan --resume: a file of targets that has changed is refused"""
        listed = self.folder / "list"
        listed.write_text("127.0.0.1\n")
        self.resume(f"@{listed}", "--range", "1-300", "--rate", "150", "--max-time", "300ms", status=TRY_LATER)
        listed.write_text("127.0.0.2\n")
        self.assert_refused(says="its scan had other targets or ports")
        listed.write_text("# the same\n127.0.0.1")
        self.resume()

    def test_version(self):
        """scan --resume: a file of another version is refused by name"""
        self.stopped()
        text = self.state.read_text()
        version = self.known()["version"]
        self.state.write_text(text.replace(f'"{version}"', '"0.0.1"'))
        self.assert_refused(status=BAD_DATA, says=f"it is of netlab 0.0.1, and this is {version}")

    def test_no_state(self):
        """scan --resume: a file that is no state of a scan is refused, and stays as it is"""
        for text in ("127.0.0.1\n", "{}", '{"netlab_scan_state":1}', "\x00"):
            self.state.write_text(text)
            self.assert_refused("127.0.0.1", "--range", "1", status=BAD_DATA, says=str(self.state))

    def test_damaged(self):
        """scan --resume: a checkpoint that is not of this scan is refused"""
        self.stopped()
        state = self.known()
        state["tcp"] = "99999"
        self.state.write_text(json.dumps(state))
        self.assert_refused(status=BAD_DATA, says="checkpoint is of another scan")

    def test_report_cut(self):
        """scan --resume: a report that has lost findings is not appended to"""
        scan = self.begun("127.0.0.1", "--range", "1-300", "--rate", "75", "--all", "--json", "-o", self.report)
        scan.send(signal.SIGKILL)
        scan.wait()
        self.report.write_text("")
        self.assert_refused(status=BAD_DATA, says="it has fewer than")

    def test_in_use(self):
        """scan --resume: two scans do not share a file"""
        self.begun("127.0.0.1", "--range", "1-300", "--rate", "50")
        self.refused(*self.words(), status=TRY_LATER, says="another scan is using it")

    def test_cannot_create(self):
        """scan --resume: a file that cannot be made is refused before anything is sent"""
        self.state = self.folder / "missing" / "state"
        self.refused(*self.words("127.0.0.1", "--range", "1"), status=CANNOT_CREATE, says="missing/state")
        self.state = self.folder
        self.refused(*self.words("127.0.0.1", "--range", "1"), status=CANNOT_CREATE)


if __name__ == "__main__":
    main()
