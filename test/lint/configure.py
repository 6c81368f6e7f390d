# SPDX-License-Identifier: MIT
"""configure.py ROOT: a machine without pkg-config can configure the build; Meson has other ways to find libraries."""
import os
import shutil
import subprocess
import sys
import tempfile

import lint

root = sys.argv[1]
if not shutil.which('cmake'):
    lint.skip('cmake is not installed, by which Meson finds libraries then')
with tempfile.TemporaryDirectory() as build:
    done = subprocess.run(['meson', 'setup', build, root, '-Dtests=disabled'], stdin=subprocess.DEVNULL, encoding='utf-8',
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, 'PKG_CONFIG': '/nonexistent'})
lint.end(done.stdout.splitlines()[-3:] if done.returncode != 0 else [])
