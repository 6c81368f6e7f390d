#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The capture file of netlab trace, read by tshark, and its ladder diagram, shown by Chromium."""
import collections
import json
import os
import signal
import subprocess
import sys

import harness
from harness import Case, needs_program

harness.trace_without_leak_check()

PYTHON = sys.executable
PRELUDE = """
import asyncio, os, socket, struct, sys, threading
def serve(*, backlog=8):
    made = socket.socket(); made.bind(('127.0.0.1', 0)); made.listen(backlog)
    return made
def take(sock, count):
    got = b''
    while len(got) < count: got += sock.recv(count - len(got))
    return got
"""
STRUCT_PAIR = PRELUDE + """
listener = serve()
if os.fork() == 0:
    sock = socket.socket(); sock.connect(listener.getsockname())
    for number in range(50):
        sock.send(struct.pack('!I3sB2i', number, b'SUM', 2, number, 1))
        assert struct.unpack('!Ii', take(sock, 8)) == (number, number + 1)
    sock.close(); os._exit(0)
connection, _ = listener.accept()
while request := connection.recv(1024):
    number, _, _, one, other = struct.unpack('!I3sB2i', request)
    connection.send(struct.pack('!Ii', number, one + other))
connection.close(); os.wait()
"""
ASYNCIO_PAIR = PRELUDE + """
async def answer(reader, writer):
    while line := await reader.readline(): writer.write(line)
    writer.close(); done.set_result(None)
async def server():
    global done
    done = asyncio.get_running_loop().create_future()
    async with await asyncio.start_server(answer, sock=listener): await done
async def client():
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    for number in range(50):
        writer.write(b'x' * number + b'\\n'); assert len(await reader.readline()) == number + 1
    writer.close(); await writer.wait_closed()
listener = serve()
child = os.fork()
asyncio.run(client() if child else server())
if child: os.wait()
"""
THREADED_SERVER = PRELUDE + """
listener = serve()
def answer(connection):
    while octets := connection.recv(1000): connection.sendall(octets)
    connection.close()
def accept():
    for _ in range(3): threading.Thread(target=answer, args=(listener.accept()[0],)).start()
def ask(number):
    with socket.create_connection(listener.getsockname()) as sock:
        for each in range(1, 40): sock.sendall(bytes(each * number)); take(sock, each * number)
threads = [threading.Thread(target=accept)] + [threading.Thread(target=ask, args=(number,)) for number in (1, 2, 3)]
for each in threads: each.start()
for each in threads: each.join()
"""
COALESCED = PRELUDE + """
listener = serve()
sock = socket.create_connection(listener.getsockname()); peer = listener.accept()[0]
thread = threading.Thread(target=take, args=(peer, 2000 * 900)); thread.start()
for _ in range(2000): sock.send(bytes(900))
thread.join(); sock.close(); peer.close()
"""


class Captured(Case):
    def trace(self, *command, status=0, options=(), **how):
        """Runs a command under trace: (objects of --json, the capture file)."""
        file = self.scratch() / "trace.pcapng"
        done = self.netlab("trace", "--json", "-o", file, *options, "--", *command, status=None, **how)
        if done.status == harness.NOT_PERMITTED:
            self.skipTest(done.err.strip())
        self.assertEqual(done.status, status, done.err)
        objects = [json.loads(line) for line in done.lines]
        if objects[-1]["summary"]["packets"] is None:
            self.skipTest("capturing is not permitted")
        self.assertEqual(objects[-1]["summary"]["dropped"], 0)
        return objects, file

    def read(self, file, *fields, only="frame"):
        """The fields that tshark reads from the file."""
        done = harness.run(["tshark", "-n", "-o", "tcp.relative_sequence_numbers:TRUE", "-r", str(file), "-Y", only,
                            "-T", "fields", "-E", "separator=|", "-E", "occurrence=f",
                            *[word for each in fields for word in ("-e", each)]])
        self.assertEqual(done.status, 0, done.err)
        return [line.split("|") for line in done.lines]

    def check_against_tshark(self, objects, file):
        """Computes the links of each segment independently, from tshark's numbers and the results of the calls."""
        calls = {each["call"]: each for each in objects if "call" in each}
        packets = {each["packet"]: each for each in objects if "packet" in each}
        sent = collections.defaultdict(list)  # socket: (end in the stream, call)
        for each in calls.values():
            if each["kind"] == "send" and each["result"] and each["result"] > 0:
                ranges = sent[each["socket"]]
                ranges.append(((ranges[-1][0] if ranges else 0) + each["result"], each["call"]))
        rows = self.read(file, "frame.number", "ip.src", "tcp.srcport", "tcp.seq", "tcp.len", only="tcp")
        self.assertEqual(len(rows), sum(each["proto"] == "tcp" for each in packets.values()))
        segments = 0
        for number, source, port, sequence, length in rows:
            packet = packets[int(number)]
            self.assertEqual(packet["source"], f"{source}:{port}")
            self.assertEqual(packet["octets"], int(length))
            if int(length) == 0 or not packet["calls"]:
                continue
            ranges = sent[calls[packet["calls"][0]]["socket"]]
            begin, end = int(sequence) - 1, int(sequence) - 1 + int(length)
            starts = [0] + [each[0] for each in ranges]
            wanted = [call for start, (stop, call) in zip(starts, ranges) if start < end and stop > begin]
            self.assertEqual(packet["calls"], wanted, packet)
            segments += 1
        return segments


@needs_program("tshark")
class Pairs(Captured):
    def test_struct_pair(self):
        """trace peers: a client and a server by struct and socket"""
        objects, file = self.trace(PYTHON, "-c", STRUCT_PAIR)
        self.assertEqual(self.check_against_tshark(objects, file), 100)
        comments = self.read(file, "frame.number", "frame.comment", only="tcp.flags.syn == 1 && tcp.flags.ack == 0")
        self.assertRegex(comments[0][1], r"sent by #\d+ connect")

    def test_asyncio_pair(self):
        """trace peers: an asyncio pair"""
        objects, file = self.trace(PYTHON, "-c", ASYNCIO_PAIR)
        self.assertEqual(self.check_against_tshark(objects, file), 100)

    def test_threads(self):
        """trace peers: a threaded server with three clients"""
        objects, file = self.trace(PYTHON, "-c", THREADED_SERVER)
        self.assertGreaterEqual(self.check_against_tshark(objects, file), 3 * 39 * 2)

    def test_coalesced(self):
        """trace peers: a stream whose segments leave when their calls have returned"""
        objects, file = self.trace(PYTHON, "-c", COALESCED)
        self.assertGreater(self.check_against_tshark(objects, file), 20)

    def test_netlab_pair(self):
        """trace peers: netlab calc serve and query"""
        script = ('"$0" calc serve --tcp --bind 127.0.0.1 --port 0 --threads 1 > ports & '
                  'while ! [ -s ports ]; do sleep 0.01; done; port=$(sed "s/.*://" ports); '
                  'for n in 1 2 3 4 5; do "$0" calc query --port "$port" sum 1 2 "$n"; done')
        objects, file = self.trace("sh", "-c", script, harness.NETLAB, cwd=self.scratch())
        self.assertEqual(self.check_against_tshark(objects, file), 10)

    def test_scan(self):
        """trace peers: a TCP and a UDP scan: closed ports are resets and ICMP errors, each with its call"""
        port = self.closed_port()
        objects, file = self.trace(harness.NETLAB, "scan", "tcp", "udp", "--host", "127.0.0.1", "--range", port)
        resets = self.read(file, "frame.number", only=f"tcp.flags.reset == 1 && tcp.srcport == {port}")
        errors = self.read(file, "frame.number", only="icmp.type == 3")
        self.assertTrue(resets)
        self.assertTrue(errors)
        packets = {each["packet"]: each for each in objects if "packet" in each}
        self.assertEqual(packets[int(resets[0][0])]["reason"], "no socket listens on this port")
        for number, in errors:
            self.assertEqual(packets[int(number)]["role"], "icmp-error")

    def test_mail(self):
        """trace peers: a STARTTLS mail is readable with the secrets in the file"""
        place = self.scratch()
        sink = harness.Server([harness.NETLAB, "mail", "sink", "--bind", "127.0.0.1", "--port", "0", "--tls-port", "0",
                               "--state", str(place / "state")], 3, env=harness.environment())
        self.addCleanup(sink.kill)
        ca = next(line.split(" ", 1)[1] for line in sink.ready if line.startswith("ca "))
        port = next(port for kind, _, port in sink.sockets)
        objects, file = self.trace(PYTHON, "-c", """
import smtplib, ssl, sys
with smtplib.SMTP('127.0.0.1', int(sys.argv[1])) as to:
    to.starttls(context=ssl.create_default_context(cafile=sys.argv[2]))
    to.sendmail('ann@example.org', ['ben@example.org'], 'Subject: secret\\r\\n\\r\\nHello\\r\\n')
""", port, ca)
        self.check_against_tshark(objects, file)
        done = harness.run(["tshark", "-n", "-r", str(file), "-d", f"tcp.port=={port},smtp", "-Y", "smtp && tls", "-V"])
        self.assertIn("mail from:<ann@example.org>", done.out.lower())  # Python's spelling varies
        lines = {each["line"]["text"] for each in objects if "call" in each and each["line"]}
        self.assertTrue(any("sendmail" in line for line in lines) or lines, lines)

    def test_processes(self):
        """trace peers: interface, direction, process and thread stand beside the comment"""
        objects, file = self.trace(PYTHON, "-c", STRUCT_PAIR)
        names = self.read(file, "frame.interface_name", only="frame.number == 1")
        self.assertEqual(names, [["lo"]])
        octets = file.read_bytes()
        process = next(each["process"] for each in objects if "call" in each and each["kind"] == "connect")
        self.assertIn((8).to_bytes(2, sys.byteorder) + (8).to_bytes(2, sys.byteorder) + process.to_bytes(4, sys.byteorder) * 2, octets)


CHROMIUM = """
import json, sys
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
options = webdriver.ChromeOptions()
for word in ('--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--window-size=1400,900',
             '--user-data-dir=' + sys.argv[3]):
    options.add_argument(word)
options.set_capability('goog:loggingPrefs', {'browser': 'ALL'})
driver = webdriver.Chrome(service=Service('/usr/bin/chromedriver'), options=options)
try:
    driver.get('file://' + sys.argv[1])
    seen = {'title': driver.title, 'rows': len(driver.find_elements(By.CSS_SELECTOR, 'g.row')),
            'heads': [each.text for each in driver.find_elements(By.CSS_SELECTOR, '#heads span')],
            'texts': [each.get_attribute('textContent') for each in driver.find_elements(By.CSS_SELECTOR, 'g.row > text')],
            'arrows': len(driver.find_elements(By.CSS_SELECTOR, 'line.arrow')), 'waits': len(driver.find_elements(By.CSS_SELECTOR, 'rect.wait')),
            'scripts': driver.execute_script('return window.harmed === undefined ? 0 : 1'),
            'images': len(driver.find_elements(By.CSS_SELECTOR, 'img')), 'count': driver.find_element(By.ID, 'count').text}
    driver.save_screenshot(sys.argv[2])
    syn = next(each for each in driver.find_elements(By.CSS_SELECTOR, 'g.row.packet') if 'SYN' in each.get_attribute('textContent'))
    driver.execute_script("arguments[0].querySelector('.hit').dispatchEvent(new MouseEvent('click', {bubbles: true}))", syn)
    seen['details'] = driver.find_element(By.ID, 'details').text
    seen['linked'] = len(driver.find_elements(By.CSS_SELECTOR, 'g.row.linked'))
    driver.find_element(By.CSS_SELECTOR, '#details button').click()
    seen['followed'] = driver.find_element(By.CSS_SELECTOR, '#details h2').text
    driver.find_element(By.ID, 'ladder').send_keys(Keys.ARROW_DOWN)
    seen['next'] = driver.find_element(By.CSS_SELECTOR, '#details h2').text
    driver.find_element(By.ID, 'search').send_keys('SYN+ACK')
    seen['found'] = len(driver.find_elements(By.CSS_SELECTOR, 'g.row'))
    seen['log'] = [each['message'] for each in driver.get_log('browser')]
finally:
    driver.quit()
print(json.dumps(seen))
"""


def why_no_browser():
    for path in ("/usr/bin/chromium", "/usr/bin/chromedriver"):
        if not os.access(path, os.X_OK):
            return f"{path} not installed"
    if subprocess.run(["/usr/bin/python3", "-c", "import selenium"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        return "python3-selenium not installed"
    return None


class Ladder(Captured):
    def look(self, *command):
        if why := why_no_browser():
            self.skipTest(why)
        place = self.scratch()
        page, picture = place / "ladder.html", place / "ladder.png"
        self.trace(*command, options=("--html", page))
        done = harness.run(["/usr/bin/python3", "-c", CHROMIUM, str(page), str(picture), str(place / "profile")])
        self.assertEqual(done.status, 0, done.err)
        self.assertTrue(picture.read_bytes().startswith(b"\x89PNG"))
        return json.loads(done.out)

    def test_ladder(self):
        """trace peers: Chromium shows the ladder, follows a packet to its call, and finds"""
        seen = self.look(PYTHON, "-c", STRUCT_PAIR)
        self.assertGreater(seen["rows"], 20)
        self.assertGreater(seen["arrows"], 5)
        self.assertGreater(seen["waits"], 0)
        self.assertEqual(len(seen["heads"]), 2)
        self.assertTrue(any("connect(" in text for text in seen["texts"]), seen["texts"])
        self.assertIn("ESTABLISHED", seen["texts"])
        self.assertIn("connect", seen["details"])
        self.assertGreaterEqual(seen["linked"], 1)
        self.assertRegex(seen["followed"], r"#\d+ .*connect\(")
        self.assertNotEqual(seen["next"], seen["followed"])
        self.assertGreaterEqual(seen["found"], 1)
        self.assertLess(seen["found"], 8)
        self.assertEqual([line for line in seen["log"] if "SEVERE" in line or "Error" in line], [])

    def test_markup(self):
        """trace peers: what the program is called, and what stands in its source, is text and never markup"""
        place = self.scratch()
        script = place / "<img src=x onerror=harmed=1><script>harmed=1<"
        script.write_text("import socket\nsock = socket.socket(); '</script><script>harmed=1</script>'\n"
                          "sock.connect_ex(('127.0.0.1', 1))  # <!-- <script> <img src=x onerror=harmed=1>\n", encoding="utf-8")
        seen = self.look(PYTHON, script)
        self.assertEqual((seen["scripts"], seen["images"]), (0, 0))
        self.assertTrue(any("<img" in text for text in seen["texts"] + seen["heads"]), seen)

    def test_many(self):
        """trace peers: of thousands of packets only those in view are drawn"""
        seen = self.look(PYTHON, "-c", STRUCT_PAIR.replace("range(50)", "range(1500)"))
        self.assertLess(seen["rows"], 200)
        total = int(seen["count"].split()[2])
        self.assertGreater(total, 5000)


if __name__ == "__main__":
    harness.main()
