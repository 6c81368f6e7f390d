# SPDX-License-Identifier: MIT
"""help.py NETLAB: the tables are sorted, help fits 80 columns, and help and tables name the same options and
choices."""
import os
import re
import subprocess
import sys

import lint

WIDTH = 80
UNGROUPED = 12  # options; more are hard to find by name


def sorted_tables(help):
    names = [command['name'] for command in help['commands']]
    if names != sorted(names):
        yield f'app/frame/command.cpp: the commands are not sorted: {" ".join(names)}'
    for command in help['commands']:
        paths = [action['path'] for action in command['actions']]
        if paths != sorted(paths):
            yield f'{command["name"]}: the subcommands are not sorted: {", ".join(paths)}'
        if [path for path in paths if path.split(' ')[0] != command['name']]:
            yield f'{command["name"]}: has a subcommand of another command: {", ".join(paths)}'
    for _, action in lint.actions(help):
        for common in (False, True):
            names = [each['name'] for each in action['options'] if each.get('common', False) == common]
            if names != sorted(names):
                yield f'{action["path"]}: the options are not sorted: {" ".join(names)}'
        every = [each['name'] for each in action['options']]
        letters = [each['letter'] for each in action['options'] if 'letter' in each]
        for twice in {each for each in every + letters if (every + letters).count(each) > 1}:
            yield f'{action["path"]}: two options are called {twice}'
        if action['statuses'] != sorted(set(action['statuses'])):
            yield f'{action["path"]}: the exit statuses do not ascend: {action["statuses"]}'


def groups(help):
    """Long help is grouped by purpose, and each option is in one group."""
    for _, action in lint.actions(help):
        own = sorted(each['name'] for each in action['options'] if not each.get('common', False))
        grouped = sorted(name for group in action['groups'] for name in group['options'])
        if len(own) > UNGROUPED and not grouped:
            yield f'{action["path"]}: {len(own)} options, but no groups'
        if grouped and grouped != own:
            yield f'{action["path"]}: the groups differ from the options: {" ".join(sorted(set(own) ^ set(grouped)))}'


def texts(netlab, help):
    """(words that ask for help, the help text) of netlab, of each command, of each action"""
    asked = [[], ['help']]
    asked += [[command['name'], '--help'] for command in help['commands']]
    asked += [[*action['path'].split(' '), '--help'] for _, action in lint.actions(help) if ' ' in action['path']]
    for words in asked:
        yield ' '.join(['netlab', *words]), lint.output(netlab, *words)


def width(netlab, help):
    for asked, text in texts(netlab, help):
        for line in text.splitlines():
            if len(line) > WIDTH:
                yield f'{asked}: {len(line)} columns: {line.strip()}'


def same_options(netlab, help):
    for _, action in lint.actions(help):
        shown = lint.options_in(lint.help_of(netlab, action))
        known = [each['name'] for each in action['options']]
        if sorted(shown) != sorted(known):
            yield f'netlab {action["path"]} --help has other options than its table: {" ".join(shown)}'


def choices(netlab, help):
    """Help lists the words that an option accepts."""
    for _, action in lint.actions(help):
        shown = lint.help_of(netlab, action)
        for option in action['options']:
            text = lint.option_text(shown, option['name'])
            for choice in option.get('choices', []):
                if not re.search(rf'(?<![\w-]){re.escape(choice)}(?![\w-])', text):
                    yield f'netlab {action["path"]} --help does not say that --{option["name"]} takes {choice}'


def links(netlab, help):
    """The links in the build directory, as `meson install` creates them."""
    for command in help['commands']:
        link = os.path.join(os.path.dirname(netlab), f'netlab-{command["name"]}')
        if not os.path.exists(link):
            yield f'no link netlab-{command["name"]}; app/meson.build has the names of the commands'
        elif subprocess.run([link, '--help'], stdout=subprocess.PIPE, encoding='utf-8').stdout != \
                lint.output(netlab, command['name'], '--help'):
            yield f'netlab-{command["name"]} is not netlab {command["name"]}'


def main(netlab):
    help = lint.tables(netlab)
    lint.end([*sorted_tables(help), *groups(help), *width(netlab, help), *same_options(netlab, help),
              *choices(netlab, help), *links(netlab, help)])


main(*sys.argv[1:])
