# SPDX-License-Identifier: MIT
"""roff.py mandoc|man PAGE...: programs that read man pages report no warnings."""
import os
import shutil
import subprocess
import sys

import lint

COMMANDS = {
    # Not `-W all`: it also requires every referenced page to be installed, and the system instead of netlab in the
    # footer.
    'mandoc': ['mandoc', '-T', 'lint', '-W', 'style'],
    'man': ['man', '--warnings', '-E', 'UTF-8', '-l'],
}


def complaints(reader, page):
    run = subprocess.run([*COMMANDS[reader], page], stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding='utf-8',
                         env={**os.environ, 'LC_ALL': 'C.UTF-8', 'MANWIDTH': '80'})
    text = run.stderr + (run.stdout if reader == 'mandoc' else '')
    for line in text.splitlines():
        # Referenced pages need not be installed here.
        if 'referenced manual not found' not in line and 'outdated mandoc.db' not in line:
            yield f'{reader}: {os.path.basename(page)}: {line}'
    if run.returncode != 0 and not text:
        yield f'{reader}: {os.path.basename(page)}: exit status {run.returncode}'


def main(reader, *pages):
    if shutil.which(reader) is None:
        lint.skip(f'{reader} is missing')
    lint.end(line for page in pages for line in complaints(reader, page))


main(*sys.argv[1:])
