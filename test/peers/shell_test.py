#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Scripts as in the lab: bash's /dev/tcp and /dev/udp, python3 -c, pipes of netlab itself."""

import harness
from harness import Case, needs_program


class Shell(Case):
    @needs_program("bash")
    def test_dev_tcp(self):
        """bash: /dev/tcp, a line of text"""
        port = self.serve("--tcp").port
        done = harness.run(["bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{port}; echo sum 1 2 3 >&3; read -r answer <&3; echo \"$answer\""])
        self.assertEqual(done.out, "6\n", done.err)

    @needs_program("bash", "od", "head")
    def test_dev_tcp_binary(self):
        """bash: /dev/tcp, the octets of a request by printf, those of the answer by od"""
        port = self.serve("--tcp").port
        done = harness.run(["bash", "-c", f"""
            exec 3<>/dev/tcp/127.0.0.1/{port}
            printf '\\1\\2\\3\\4SUM\\2\\0\\0\\0\\5\\377\\377\\377\\375' >&3
            head -c 8 <&3 | od -An -tx1"""])
        self.assertEqual(done.out.split(), "01 02 03 04 00 00 00 02".split(), done.err)

    @needs_program("bash", "od", "head")
    def test_dev_udp(self):
        """bash: /dev/udp, one printf is one datagram"""
        port = self.serve("--udp").port
        done = harness.run(["bash", "-c", f"""
            exec 3<>/dev/udp/127.0.0.1/{port}
            printf '\\0\\0\\0\\11PRO\\2\\0\\0\\0\\4\\0\\0\\0\\5' >&3
            head -c 8 <&3 | od -An -tx1"""])
        self.assertEqual(done.out.split(), "00 00 00 09 00 00 00 14".split(), done.err)

    def test_python_one_liner(self):
        """python3 -c: a UDP client in one line, as in the lab's notes"""
        port = self.serve("--udp").port
        program = ("import socket,struct;s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM);s.settimeout(30);"
                   f"s.sendto(struct.pack('!I3sB3i',7,b'SUM',3,1,2,3),('127.0.0.1',{port}));"
                   "print(struct.unpack('!Ii',s.recv(8)))")
        self.assertEqual(harness.run([harness.sys.executable, "-c", program]).out, "(7, 6)\n")

    def test_loop(self):
        """sh: a loop of queries, results in a variable, statuses in an if"""
        port = self.serve().port
        done = self.shell(f"""
            total=0
            for n in 1 2 3 4 5; do total=$("$N" calc query --port {port} sum $total $n) || exit; done
            echo $total
            if "$N" calc query --port {port} sum 2147483647 1 2>/dev/null; then echo no; else echo $?; fi""")
        self.assertEqual(done.lines, ["15", "65"], done.err)

    def test_ready_line(self):
        """sh: a script takes the port from the ready line and ends the server with kill"""
        done = self.shell("""
            place=$(mktemp -d) && mkfifo "$place/ready" || exit
            "$N" calc serve --tcp --bind 127.0.0.1 --port 0 >"$place/ready" 2>"$place/log" &
            read -r _ _ endpoint <"$place/ready"
            "$N" calc query --port "${endpoint##*:}" sum 1 2 3
            kill $!; wait $!; echo $?
            rm -r "$place" """)
        self.assertEqual(done.lines, ["6", "0"], done.err)

    @needs_program("timeout")
    def test_timeout(self):
        """timeout(1): a server under it ends in order"""
        # Without --foreground, timeout signals its child twice, once directly and once with its process group, and a
        # second signal ends a server at once.
        server = harness.Server(["timeout", "--foreground", "--preserve-status", "10m", harness.NETLAB, "calc", "serve",
                                 "--bind", "127.0.0.1", "--port", "0"], 2)
        self.addCleanup(server.kill)
        self.assertEqual(server.stop().status, 0)  # timeout passes the signal on

    @needs_program("xargs", "seq")
    def test_xargs(self):
        """xargs -P: many clients at once"""
        port = self.serve().port
        done = self.shell(f'seq 50 | xargs -P 8 -n 1 "$N" calc query --port {port} sum')
        self.assertEqual(sorted(map(int, done.lines)), list(range(1, 51)), done.err)


if __name__ == "__main__":
    harness.main()
