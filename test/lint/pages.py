# SPDX-License-Identifier: MIT
"""pages.py DIRECTORY NETLAB: the man pages in the directory are complete.

Each command has one, with every option in its help, its variables, its section of the configuration file, and its exit
statuses: all that the actions can return, and none that netlab does not document.
"""
import os
import re
import sys

import lint

# netlab's documented statuses. Scripts rely on them, so do not add or renumber any without need.
STATUSES = {0, 1, 64, 65, 66, 68, 69, 70, 71, 73, 74, 75, 76, 77, 78, 130, 143}


def sections(page):
    """The sections of an mdoc page: title → text, with - for the hyphens that a user types."""
    parts = re.split(r'^\.Sh (.*)\n', page.replace(r'\-', '-'), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


def part(text, title):
    """The text after `.Ss title`, or the whole text if there is none."""
    found = re.search(rf'^\.Ss {re.escape(title)}\n(.*?)(?=^\.Ss |\Z)', text, re.MULTILINE | re.DOTALL)
    return found[1] if found else text


def statuses_in(section):
    return {int(number) for number in re.findall(r'^\.It (\d+)$', section, re.MULTILINE)}


def check_page(name, parts, expected):
    for title in ('NAME', 'SYNOPSIS', 'DESCRIPTION', 'OPTIONS', 'EXIT STATUS', 'EXAMPLES', 'SEE ALSO'):
        if not parts.get(title, '').strip():
            yield f'{name}.1: no section {title}'
    found = statuses_in(parts.get('EXIT STATUS', ''))
    for status in sorted(found - STATUSES):
        yield f'{name}.1: exit status {status} is not one that netlab promises'
    for status in sorted(expected - found):
        yield f'{name}.1: exit status {status} is missing'


def check_action(name, parts, action, shown):
    listed = parts.get('OPTIONS', '')
    own = part(listed, f'netlab {action["path"]}') + part(listed, 'Common options')
    for option in shown:
        if not re.search(rf'^\.It (Fl \S , )?Fl -{re.escape(option)}( |$)', own, re.MULTILINE):
            yield f'{name}.1: netlab {action["path"]} --{option} is missing'
    for option in action['options']:
        described = re.search(rf'^\.It (?:Fl \S , )?Fl -{re.escape(option["name"])}(?: .*)?\n((?:(?!\.It ).*\n)*)', own,
                              re.MULTILINE)
        for choice in option.get('choices', []):
            if not described or not re.search(rf'(?<![\w-]){re.escape(choice)}(?![\w-])', described[1]):
                yield f'{name}.1: netlab {action["path"]} --{option["name"]} does not say that it takes {choice}'
        if 'variable' in option and f' {option["variable"]} ' not in parts.get('ENVIRONMENT', ''):
            yield f'{name}.1: {option["variable"]} is missing'
    if f'[{action["path"]}]' not in parts.get('FILES', ''):
        yield f'{name}.1: the section [{action["path"]}] of the configuration file is missing'


def check(directory, netlab):
    help = lint.tables(netlab)

    def read(name):
        path = os.path.join(directory, f'{name}.1')
        if not os.path.exists(path):
            return None
        with open(path, encoding='utf-8') as text:
            return sections(text.read())

    top = read('netlab')
    yield from check_page('netlab', top, STATUSES)
    for command in help['commands']:
        name = f'netlab-{command["name"]}'
        parts = read(name)
        if parts is None:
            yield f'netlab {command["name"]} has no man page; app/meson.build has the names of the commands'
            continue
        if f'Xr {name} 1' not in top['COMMANDS']:
            yield f'netlab.1: {name} is missing'
        yield from check_page(name, parts, {status for action in command['actions'] for status in action['statuses']})
        for action in command['actions']:
            yield from check_action(name, parts, action, lint.options_in(lint.help_of(netlab, action)))


lint.end(check(*sys.argv[1:]))
