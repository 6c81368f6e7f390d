# SPDX-License-Identifier: MIT
"""netlab mail send --batch: many messages, one result line each, in order, however the run ends."""

import json
import os
import re
import signal
import threading
import unittest

import harness
import smtp_server
from harness import BAD_DATA, INTERRUPTED, NO_INPUT, PARTLY, TERMINATED, UNAVAILABLE
from mail_send_test import MailCase
from smtp_server import CLOSE, HANG, Each, Then


class Batch(MailCase):
    def lines(self, *objects):
        return "".join(json.dumps(each) + "\n" for each in objects)

    def batch(self, server, text, *words, **how):
        file = self.scratch() / "batch"
        file.write_text(text, encoding="utf-8")
        return self.send(server, "--batch", file, *words, body=None, to=how.pop("to", None), **how)

    def test_one_connection(self):
        """many messages go over one connection, a result line each in the same order"""
        for keywords in (smtp_server.KEYWORDS, ("8BITMIME",), (*smtp_server.KEYWORDS, "CHUNKING")):
            with self.subTest(keywords=keywords):
                server = self.server(keywords=keywords)
                text = self.lines(*({"to": f"r{each}@example.org", "subject": f"n{each}", "body": "x"}
                                    for each in range(50)))
                done = self.batch(server, text)
                self.assertEqual(len(done.lines), 50)
                self.assertTrue(all(line.startswith("sent <") for line in done.lines), done.out)
                self.assertEqual(len(server.sessions), 1)
                self.assertEqual([each.recipients for each in server.session().messages],
                                 [[f"r{each}@example.org"] for each in range(50)])

    def test_shards(self):
        """with --shard, each line is sent by exactly one part, and keeps its number"""
        text = self.lines(*({"to": f"r{each}@example.org", "body": "x"} for each in range(1, 11)))
        text = text.replace("\n", "\n\n", 1) + "nonsense\n"  # a blank line counts as a line, and so does a bad one
        seen = []
        for index in range(1, 4):
            server = self.server()
            done = self.batch(server, text, "--shard", f"{index}/3", "--json", status=PARTLY if index == 3
                              else harness.DONE)
            told = [json.loads(line) for line in done.lines]
            self.assertEqual([one["message"] % 3 for one in told], [index % 3] * len(told))
            sent = [each.recipients[0] for each in server.session().messages]
            self.assertEqual(sent, [one["recipients"][0] for one in told if one["status"] == "sent"])
            seen += sent
        self.assertEqual(sorted(seen), sorted(f"r{each}@example.org" for each in range(1, 11)))
        self.assertIn("message 12: not valid JSON", done.err)

    def test_bad_shard(self):
        """a shard that is none is refused with the cure"""
        self.refused("mail", "send", "--to", "a@example.org", "--batch", "x", "--shard", "0/3",
                     says="parts are numbered from 1 to 3")

    def test_defaults(self):
        """what a line does not say comes from the options"""
        server = self.server()
        self.batch(server, self.lines({"body": "one"}, {"to": ["x@example.org", "y@example.org"], "subject": "own"}),
                   "--subject", "common", to="b@example.org")
        one, other = server.session().messages
        self.assertIn(b"Subject: common\r\n", one.octets)
        self.assertEqual(one.recipients, ["b@example.org"])
        self.assertEqual(other.recipients, ["x@example.org", "y@example.org"])
        self.assertIn(b"Subject: own\r\n", other.octets)

    def test_bad_lines(self):
        """a line that is no message is told, and the others are sent"""
        server = self.server()
        done = self.batch(server, '{"to": "a@example.org", "body": "x"}\nnonsense\n[1]\n{"to": 3}\n{"too": "x"}\n'
                          '{"to": "no address"}\n\n{"to": "b@example.org", "body": "y"}\n', status=PARTLY)
        self.assertEqual([line.split()[0] for line in done.lines], ["sent", "not", "not", "not", "not", "not", "sent"])
        self.assertIn("message 2: not valid JSON", done.err)
        self.assertEqual(len(server.session().messages), 2)

    def test_refused_ones(self):
        """a message that is refused does not keep the others"""
        server = self.server(on={"rcpt": Each(None, "550 5.1.1 nobody", None), "content": Each(None, "451 4.3.0 later", None)})
        text = self.lines(*({"to": f"r{each}@example.org", "body": "x"} for each in range(5)))
        done = self.batch(server, text, "--json", status=PARTLY)
        said = [json.loads(line) for line in done.lines]
        self.assertEqual([each["message"] for each in said], [1, 2, 3, 4, 5])
        self.assertEqual(sorted(each["status"] for each in said), ["failed", "later", "sent", "sent", "sent"])

    def test_reconnects(self):
        """a connection that ends behind a message is opened again for the rest"""
        def closes_after_three(session, argument):
            return Then("421 4.7.0 too many", CLOSE) if len(session.messages) >= 3 else None
        server = self.server(on={"mail": closes_after_three})
        text = self.lines(*({"to": f"r{each}@example.org", "body": "x"} for each in range(10)))
        self.batch(server, text)
        self.assertEqual(sorted(message.recipients[0] for session in server.sessions for message in session.messages),
                         sorted(f"r{each}@example.org" for each in range(10)))
        self.assertEqual(len(server.sessions), 4)

    def test_never_twice(self):
        """a message whose outcome is unknown is not sent again"""
        server = self.server(on={"content": Each(None, CLOSE, None)})
        text = self.lines(*({"to": f"r{each}@example.org", "body": "x"} for each in range(4)))
        done = self.batch(server, text, status=PARTLY)
        self.assertRegex(done.lines[1], "^delivery unknown: .*may have been delivered")
        self.assertIn("3 messages sent, 0 not sent, 1 unknown", done.err)
        sent = [recipient for session in server.sessions for command in session.commands
                if command.startswith("RCPT") for recipient in [command]]
        self.assertEqual(sum("r1@" in each for each in sent), 1)

    def test_parallel(self):
        """--parallel uses several connections, and the results stay in order"""
        server = self.server()
        text = self.lines(*({"to": f"r{each}@example.org", "body": "x"} for each in range(60)))
        done = self.batch(server, text, "--parallel", "3", "--json")
        self.assertEqual([json.loads(line)["message"] for line in done.lines], list(range(1, 61)))
        harness.until(lambda: all(each.ended.is_set() for each in server.sessions), "the end")
        self.assertEqual(sum(len(each.messages) for each in server.sessions), 60)
        self.assertLessEqual(len(server.sessions), 3)

    def test_stdin(self):
        """messages come from stdin as they are written"""
        server = self.server()
        process = self.start(*self.words(server, "--batch", "-", to=None), stdin=-1)
        for each in range(3):
            process.child.stdin.write(self.lines({"to": f"r{each}@example.org", "body": "x"}).encode())
            process.child.stdin.flush()
            process.until(lambda out, err, number=each: out.count("\n") == number + 1, "its result")
        process.child.stdin.close()
        self.assertEqual(process.wait().status, 0)
        self.assertEqual(len(server.sessions), 1)

    def assert_each_once(self, done, count):
        """Checks that each message has a result line, in order, and the totals; returns the number of sent messages."""
        said = [json.loads(line) for line in done.lines]
        self.assertEqual([each["message"] for each in said], list(range(1, count + 1)), done.err)
        states = [each["status"] for each in said]
        totals = re.search(r"(\d+) messages? sent, (\d+) not sent(?:, (\d+) unknown)?", done.err)
        self.assertIsNotNone(totals, done.err)
        sent, failed, unknown = (int(each or 0) for each in totals.groups())
        self.assertEqual((sent, unknown), (states.count("sent"), states.count("unknown")))
        self.assertEqual(sent + failed + unknown, count)
        return sent

    def interrupt(self, number, status, *words, stdin=False):
        """Sends a signal while the first message has no answer and others have theirs."""
        held = threading.Event()

        def first_hangs(session, argument):
            if "r0@" not in "".join(session.commands):
                return None
            held.set()
            return HANG
        server = self.server(on={"content": first_hangs})
        text = self.lines(*({"to": f"r{each}@example.org", "body": "x"} for each in range(100)))
        file = self.scratch() / "batch"
        file.write_text(text, encoding="utf-8")
        process = self.start(*self.words(server, "--batch", "-" if stdin else file, "--json", *words, to=None), stdin=-1)
        if stdin:  # and stays open
            process.child.stdin.write(text.encode())
            process.child.stdin.flush()
        self.assertTrue(held.wait(harness.DEADLINE))
        if words:
            # Some messages wait in the connection of the first.
            harness.until(lambda: sum(len(session.messages) for session in server.sessions) > 60, "the other messages")
        process.child.send_signal(number)
        done = process.wait()
        self.assertEqual(done.status, status, done.err)
        # The number of messages still to come through a pipe is unknown.
        sent = self.assert_each_once(done, len(done.lines) if stdin else 100)
        self.assertEqual(json.loads(done.lines[0])["status"], "unknown")
        if words:
            self.assertGreater(sent, 30)
        self.assertLessEqual(sent, sum(len(session.messages) for session in server.sessions))

    def test_interrupted(self):
        """SIGINT: every message of a file has its result, those known while an earlier one was missing too, 130"""
        self.interrupt(signal.SIGINT, INTERRUPTED)
        self.interrupt(signal.SIGINT, INTERRUPTED, "--parallel", "2")

    def test_terminated(self):
        """SIGTERM: the same, 143, also for what has come through a pipe that stays open"""
        self.interrupt(signal.SIGTERM, TERMINATED, "--parallel", "4")
        self.interrupt(signal.SIGTERM, TERMINATED, "--parallel", "2", stdin=True)

    def test_nobody_there(self):
        """a server that is not there: every line of a file has its result; the rest of a pipe is left alone, and told"""
        file = self.scratch() / "batch"
        file.write_text("\n".join([self.lines({"to": f"r{each}@example.org"}) for each in range(300)] + ["nonsense"]), encoding="utf-8")
        words = ["mail", "send", "--server", f"127.0.0.1:{self.closed_port()}", "--batch"]
        done = self.netlab(*words, file, status=UNAVAILABLE)
        self.assertEqual(len(done.lines), 301)
        self.assertTrue(all(line.startswith("not sent: connect") for line in done.lines[:300]))
        self.assertIn("not valid JSON", done.lines[300])
        self.assertRegex(done.err, "0 messages sent, 301 not sent, in [^;]*\n$")
        said = self.netlab(*words, file, "--json", status=UNAVAILABLE)
        self.assertEqual(json.loads(said.lines[299])["recipients"], ["r299@example.org"])
        done = self.netlab(*words, "-", status=UNAVAILABLE, input=file.read_bytes())
        self.assertIn("the rest of the input was not read", done.err)

    def test_end_of_the_server(self):
        """a server that goes away for good: what was not sent is named, to the last line"""
        def goes(session, argument):
            session.server._close()
            return CLOSE
        server = self.server(on={"mail": Each(None, None, goes)}, keywords=("8BITMIME",))
        text = self.lines(*({"to": f"r{each}@example.org", "body": "x"} for each in range(100)))
        done = self.batch(server, text, status=PARTLY)
        self.assertEqual([line.split()[0] for line in done.lines], ["sent"] * 2 + ["not"] * 98)
        self.assertIn("2 messages sent, 98 not sent", done.err)

    def test_end_of_the_server_in_parallel(self):
        """the same over several connections: a result each, in order, counted once"""
        for parallel in (2, 3, 8):
            with self.subTest(parallel=parallel):
                taken = []

                def goes(session, argument):
                    taken.append(session)
                    if len(taken) < 15:
                        return None
                    session.server._close()
                    return CLOSE
                server = self.server(on={"content": goes}, keywords=("8BITMIME",))
                text = self.lines(*({"to": f"r{each}@example.org", "body": "x"} for each in range(100)))
                done = self.batch(server, text, "--parallel", parallel, "--json", status=PARTLY)
                self.assert_each_once(done, 100)

    def test_crowd(self):
        """a server that takes three connections at once gets every message over them, once each"""
        def three_at_once(session, argument):
            open_ones = [each for each in session.server.sessions if not each.ended.is_set()]
            return Then("421 4.7.0 too many connections", CLOSE) if session in open_ones[3:] else None
        server = self.server(on={"connect": three_at_once})
        text = self.lines(*({"to": f"r{each}@example.org", "body": "x"} for each in range(300)))
        done = self.batch(server, text, "--parallel", "20", "--json")
        self.assertEqual(self.assert_each_once(done, 300), 300)
        self.assertEqual(sorted(message.recipients[0] for session in server.sessions for message in session.messages),
                         sorted(f"r{each}@example.org" for each in range(300)))

    def test_pipe_ends_within_a_line(self):
        """a pipe whose writer dies within a line: what came whole is sent, the rest is named"""
        server = self.server()
        done = self.send(server, "--batch", "-", body=None, to=None, status=PARTLY,
                         input=self.lines({"to": "r@example.org", "body": "x"}) + '{"to":"s@exam')
        self.assertEqual([line.split()[0] for line in done.lines], ["sent", "not"])
        self.assertIn("message 2: not valid JSON", done.err)

    def test_second_signal(self):
        """a second signal ends a batch at once, whatever is still to be told"""
        server = self.server(on={"content": HANG, "quit": HANG})
        pipe, writer = os.pipe()
        self.addCleanup(os.close, writer)
        process = self.start(*self.words(server, "--batch", "-", to=None), stdin=pipe)
        os.close(pipe)
        os.write(writer, self.lines({"to": "r@example.org", "body": "x"}).encode())
        harness.until(lambda: server.sessions and "DATA" in server.sessions[0].verbs(), "a message under way")
        process.child.send_signal(signal.SIGINT)
        process.child.send_signal(signal.SIGINT)
        self.assertIn(process.wait().status, (INTERRUPTED, -signal.SIGINT))

    @unittest.skipIf(harness.is_sanitized(), "the sanitizers need descriptors of their own")
    def test_many_attachments(self):
        """as many files as a message has are opened when there is room for them"""
        server = self.server()
        place = self.scratch()
        for each in range(10):
            (place / f"{each}").write_text("x", encoding="ascii")
        text = self.lines(*({"to": f"r{each}@example.org", "body": "x", "attach": [str(place / f"{file}") for file in range(10)]}
                            for each in range(60)))
        file = place / "batch"
        file.write_text(text, encoding="utf-8")
        done = harness.run(["sh", "-c", 'ulimit -n 64; exec "$@"', "sh", harness.NETLAB,
                            *map(str, self.words(server, "--batch", file, "--parallel", "3", to=None))], env=harness.environment())
        self.assertEqual(done.status, 0, done.err)
        self.assertEqual(len(done.lines), 60)

    @unittest.skipIf(harness.is_sanitized(), "the sanitizers need descriptors of their own")
    def test_too_many_attachments(self):
        """more files than the system allows in one message: 71"""
        server = self.server()
        name = self.scratch() / "x"
        name.write_text("x", encoding="ascii")
        text = self.lines({"to": "r@example.org", "attach": [str(name)] * 100})
        done = self.shell(f"ulimit -n 64; exec \"$N\" {' '.join(map(str, self.words(server, '--batch', '-', to=None)))}", input=text)
        self.assertEqual(done.status, harness.SYSTEM, done.err)
        self.assertIn("too many open files", done.out)

    def test_forged_results(self):
        """a file's name forges no result line, and reaches no terminal as it is"""
        server = self.server()
        name = "x: no\nsent <fake@id> to 1 recipient: 250 ok\x1b[31m\0"
        done = self.batch(server, self.lines({"to": "r@example.org", "attach": name}), status=NO_INPUT)
        self.assertEqual(len(done.lines), 1)
        self.assertNotRegex(done.out + done.err, "[\x00-\x09\x0b-\x1f]")

    def test_empty_texts(self):
        """an empty sender is not a missing one: it is refused, as on the command line"""
        server = self.server()
        for key in ("from", "envelope_from", "to", "attach"):
            with self.subTest(key=key):
                status = NO_INPUT if key == "attach" else BAD_DATA
                self.batch(server, self.lines({"to": "r@example.org", "body": "x", key: ""}), status=status)
        self.assertEqual(server.sessions, [])
        self.batch(server, self.lines({"to": "r@example.org", "envelope_from": "<>"}))
        self.assertEqual(server.session().messages[0].sender, "")

    def test_key_twice(self):
        """a key that stands twice is an error, so that no recipient is lost"""
        server = self.server()
        done = self.batch(server, '{"to":"a@example.org","to":"b@example.org","body":"x"}\n'
                          '{"to":"c@example.org","headers":{"X-A":"1","X-A":"2"}}\n{"to":"d@example.org","body":"x"}\n',
                          status=PARTLY)
        self.assertIn("message 1: duplicate key 'to'", done.err)
        self.assertIn("message 2: duplicate key 'X-A'", done.err)
        self.assertEqual([each.recipients for each in server.session().messages], [["d@example.org"]])

    def test_numbers(self):
        """messages have the numbers of their lines in the file"""
        server = self.server()
        done = self.batch(server, '\n{"to":"a@example.org"}\n\n \nnonsense\n{"to":"b@example.org"}\n', "--json", status=PARTLY)
        self.assertEqual([json.loads(line)["message"] for line in done.lines], [2, 5, 6])
        self.assertIn("message 5: not valid JSON", done.err)

    def test_input_fails(self):
        """a file that cannot be read to its end: what was sent is counted"""
        done = self.send(self.server(), "--batch", "/", body=None, to=None, status=NO_INPUT)
        self.assertIn("0 messages sent, 0 not sent", done.err)

    def test_no_recipient(self):
        """a line without a recipient is bad data"""
        done = self.batch(self.server(), self.lines({"body": "x"}), status=BAD_DATA)
        self.assertIn("there is no recipient", done.lines[0])

    def test_reader_gone(self):
        """the batch is sent to its end, and the status is that of the messages, although nobody reads the results"""
        server = self.server(on={"content": Each(None, "550 5.7.1 no", None)})
        file = self.scratch() / "batch"
        file.write_text(self.lines(*({"to": f"r{each}@example.org"} for each in range(200))), encoding="utf-8")
        reader, writer = os.pipe()
        os.close(reader)
        done = harness.run([harness.NETLAB, *map(str, self.words(server, "--batch", file, to=None))], stdout=writer,
                           env=harness.environment())
        os.close(writer)
        self.assertEqual(done.status, PARTLY, done.err)
        self.assertIn("199 messages sent, 1 not sent", done.err)

    def test_progress(self):
        """a progress bar only where it may be: not with NO_COLOR, nor with --color=never"""
        file = self.scratch() / "batch"
        file.write_text(self.lines(*({"to": f"r{each}@example.org"} for each in range(2000))), encoding="utf-8")
        for words, env, shows in (((), None, True), (("--color=never",), None, False), ((), {"NO_COLOR": "1"}, False)):
            _, seen = self.on_terminal(*self.words(self.server(), "--batch", file, *words, to=None), env=env)
            self.assertEqual("\x1b[K" in seen, shows, (words, env))


if __name__ == "__main__":
    harness.main()
