# SPDX-License-Identifier: MIT
"""bash_quoting.py FILE: types lines with quotes and backslashes into an interactive bash that has FILE loaded.

The result of Tab is seen in the arguments that a function named netlab gets afterwards.
"""
import os
import pty
import select
import shutil
import sys
import tempfile
import time

import lint

SETUP = r'''PS1= PS2=; unset PROMPT_COMMAND; bind 'set bell-style none'; bind 'set enable-bracketed-paste off'
source "$FILE"; netlab() { printf '<%s>' "$@" >>"$FOUND"; echo >>"$FOUND"; }
echo ready >>"$FOUND"
'''

FILES = ['my file.txt', "it's.eml", 'a:b.txt', 'x=1.pem', 'plain.txt', 'deep er/inside.txt']

# The typed text, followed by a Tab, and the last argument that results.
CASES = [
    (r'netlab mail send --attach my', 'my file.txt'),
    (r'netlab mail send --attach my\ f', 'my file.txt'),
    (r'netlab mail send --attach "my f', 'my file.txt'),
    (r"netlab mail send --attach 'my f", 'my file.txt'),
    (r'netlab mail send --attach "my', 'my file.txt'),
    (r'netlab mail send --attach=my\ f', '--attach=my file.txt'),
    (r'netlab mail send --attach="my f', '--attach=my file.txt'),
    (r'netlab mail send --attach pl', 'plain.txt'),
    (r'netlab mail send --attach it', "it's.eml"),
    (r'''netlab mail send --attach "it's''', "it's.eml"),
    (r'netlab mail send --attach a:b', 'a:b.txt'),
    (r'netlab mail send --attach=x', '--attach=x=1.pem'),
    (r'netlab mail send --attach deep\ er/i', 'deep er/inside.txt'),
    (r'netlab mail send --attach "deep er/i', 'deep er/inside.txt'),
    (r'netlab mail send --subject "two words" --attach pl', 'plain.txt'),
    (r'netlab mail send --subject two\ words --attach pl', 'plain.txt'),
    (r'netlab mail send --subject "a --port" --att', '--attach'),
    (r'netlab mail send --subject "\"q\" \n" --att', '--attach'),
    (r'netlab calc query "ud', 'udp'),
    (r'netlab calc query --byte-order=li', '--byte-order=little'),
]


class Editor:
    def __init__(self, file, directory):
        self.found = os.path.join(directory, 'found')
        self.place = os.path.join(directory, 'place')
        for name in FILES:
            path = os.path.join(self.place, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, 'w', encoding='utf-8'):
                pass
        self.shown = b''
        environment = {'HOME': directory, 'PATH': os.environ.get('PATH', os.defpath), 'TERM': 'xterm', 'LC_ALL': 'C.UTF-8',
                       'FILE': os.path.abspath(file), 'FOUND': self.found, 'INPUTRC': '/dev/null'}
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(self.place)
            os.execvpe('bash', ['bash', '--norc', '--noprofile', '-i'], environment)
        self.count = 0
        for line in SETUP.splitlines():
            os.write(self.terminal, line.encode() + b'\n')
        self.wait()

    def wait(self):
        """The next line of the output."""
        self.count += 1
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if select.select([self.terminal], [], [], 0.002)[0]:
                self.shown += os.read(self.terminal, 65536)
            if os.path.exists(self.found):
                with open(self.found, encoding='utf-8') as text:
                    lines = text.read().split('\n')[:-1]
                if len(lines) >= self.count:
                    return lines[-1]
        lint.end([f'bash: no answer: {self.shown[-500:]!r}'])

    def complete(self, line):
        """The last argument after Tab. If a quote is still open, it is closed, as bash does when the word is
        complete."""
        os.write(self.terminal, b'\x15' + line.encode() + b'\t\n')
        return self.wait().rpartition('><')[2].strip('<>')

    def close(self):
        os.close(self.terminal)
        os.waitpid(self.pid, 0)


def main(file):
    if shutil.which('bash') is None:
        lint.skip('bash is missing')
    failures = []
    with tempfile.TemporaryDirectory() as directory:
        editor = Editor(file, directory)
        try:
            for line, wanted in CASES:
                became = editor.complete(line)
                if became != wanted:
                    failures.append(f'bash: {line!r} and Tab: {became!r}, not {wanted!r}')
        finally:
            editor.close()
    lint.end(failures)


main(*sys.argv[1:])
