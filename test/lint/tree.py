# SPDX-License-Identifier: MIT
"""tree.py ROOT NETLAB: the visible top-level files, the licence line in each source, each command in README.md."""
import os
import sys

import lint

TOP = ['README.md', 'app', 'lib', 'meson.build', 'meson_options.txt', 'subprojects', 'test']
LICENCE = 'SPDX-License-Identifier: MIT'
FIRST_LINES = 3  # after #! and an encoding
README_LINES = 150  # as much as a newcomer reads


def top(root):
    # build*: a user's build directories, which git ignores, too.
    found = {name for name in os.listdir(root) if not name.startswith(('.', 'build'))}
    for name in sorted(found - set(TOP)):
        yield f'{name}: does not belong into the top directory'
    for name in sorted(set(TOP) - found):
        yield f'{name}: is missing in the top directory'


def is_source(path):
    if path.endswith(('.cpp', '.hpp', '.mdoc', '.py', '.sh')):
        return True
    with open(path, 'rb') as file:
        return '.' not in os.path.basename(path) and file.read(2) == b'#!'


def licences(root):
    for start in ('app', 'lib', 'test', '.ci'):
        for directory, _, names in sorted(os.walk(os.path.join(root, start))):
            for path in sorted(os.path.join(directory, name) for name in names):
                if not is_source(path):
                    continue
                with open(path, encoding='utf-8') as text:
                    if not any(LICENCE in line for line in text.readlines()[:FIRST_LINES]):
                        yield f'{os.path.relpath(path, root)}: no line {LICENCE}'


def readme(root, netlab):
    path = os.path.join(root, 'README.md')
    if not os.path.exists(path):
        return
    with open(path, encoding='utf-8') as file:
        text = file.read()
    lines = text.count('\n')
    if lines > README_LINES:
        yield f'README.md: has {lines} lines, more than {README_LINES}; details belong into the man pages'
    for command in lint.tables(netlab)['commands']:
        if f'netlab {command["name"]}' not in text and f'run {command["name"]}' not in text:
            yield f'README.md: does not mention netlab {command["name"]}'


def main(root, netlab):
    lint.end([*top(root), *licences(root), *readme(root, netlab)])


main(*sys.argv[1:])
