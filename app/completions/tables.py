# SPDX-License-Identifier: MIT
"""Reads `netlab help --json` for the three generators."""
import json
import re
import sys

# The kinds of values by the name of an argument; other names have no kind.
KINDS = {'DIR': 'directory', 'FILE': 'file', 'HOST': 'host'}
TRANSPORTS = ['tcp', 'udp']


class Option:
    def __init__(self, table):
        self.name = table['name']
        self.help = table['help']
        self.argument = table.get('argument')
        self.repeatable = table.get('repeatable', False)
        self.letter = table.get('letter')
        self.spellings = ([f'-{self.letter}'] if self.letter else []) + [f'--{self.name}']
        self.words = table.get('choices', [])
        self.kind = kind(self.argument or '')


class Action:
    def __init__(self, table):
        self.path = table['path']
        self.verb = self.path.partition(' ')[2]
        self.summary = table['summary']
        self.options = [Option(each) for each in table['options']]
        self.transports = TRANSPORTS if table['transports'] else []
        self.operand = name(table['arguments'])
        self.operands = table['arguments']
        self.words = table.get('operand_choices', [])
        self.kind = kind(self.operand)


class Command:
    def __init__(self, table):
        self.name = table['name']
        self.summary = table['summary']
        self.actions = [Action(each) for each in table['actions']]
        self.verbs = [each.verb for each in self.actions if each.verb]


def name(argument):
    """`[OP NUMBER... | -]` → `OP`"""
    found = re.search('[A-Z]+', argument)
    return found[0] if found else ''


def kind(argument):
    return KINDS.get(name(argument))


def load():
    """Loads the commands from the file named on the command line."""
    sys.stdout.reconfigure(encoding='utf-8')
    with open(sys.argv[1], encoding='utf-8') as text:
        return [Command(each) for each in json.load(text)['commands']]


def quote(text):
    """Quotes a text for bash and zsh."""
    return "'" + text.replace("'", "'\\''") + "'"
