# SPDX-License-Identifier: MIT
"""roff.py mandoc|man PAGE...: what reads man pages has nothing to say against these."""
import os
import shutil
import subprocess
import sys

import lint

COMMANDS = {
    # Not `-W all`: that also wants each page that one refers to installed, and the system in the footer, not netlab.
    'mandoc': ['mandoc', '-T', 'lint', '-W', 'style'],
    'man': ['man', '--warnings', '-E', 'UTF-8', '-l'],
}


def complaints(reader, page):
    run = subprocess.run([*COMMANDS[reader], page], stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding='utf-8',
                         env={**os.environ, 'LC_ALL': 'C.UTF-8', 'MANWIDTH': '80'})
    text = run.stderr + (run.stdout if reader == 'mandoc' else '')
    for line in text.splitlines():
        # What a page refers to need not be installed here.
        if 'referenced manual not found' not in line and 'outdated mandoc.db' not in line:
            yield f'{reader}: {os.path.basename(page)}: {line}'
    if run.returncode != 0 and not text:
        yield f'{reader}: {os.path.basename(page)}: exit status {run.returncode}'


def main(reader, *pages):
    if shutil.which(reader) is None:
        lint.skip(f'{reader} is missing')
    lint.end(line for page in pages for line in complaints(reader, page))


main(*sys.argv[1:])
