# SPDX-License-Identifier: MIT
"""The common part of the checks: the tables of the commands, the help texts, and the end of a check."""
import json
import re
import subprocess
import sys


def end(failures):
    """Prints one line per failure on stderr; fails if there is one."""
    failures = list(failures)
    for line in failures:
        print(f'lint: {line}', file=sys.stderr)
    sys.exit(1 if failures else 0)


def skip(why):
    print(f'skipped: {why}')
    sys.exit(77)


def output(*words, **more):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, encoding='utf-8', timeout=60, **more).stdout


def tables(netlab):
    return json.loads(output(netlab, 'help', '--json'))


def actions(help):
    """(command, action) for every action."""
    return [(command, action) for command in help['commands'] for action in command['actions']]


def help_of(netlab, action):
    return output(netlab, *action['path'].split(' '), '--help')


def options_in(text):
    """The long options in a help text, without dashes."""
    return re.findall(r'^  (?:-\w, |    )--([\w-]+)', text, re.MULTILINE)


def option_text(text, name):
    """The help text of the option in one line."""
    found = re.search(rf'^  (?:-\w, |    )--{re.escape(name)}(?![\w-])(.*(?:\n {{28}}.*)*)', text, re.MULTILINE)
    return ' '.join(found[1].split()) if found else ''
