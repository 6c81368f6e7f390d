# SPDX-License-Identifier: MIT
"""page.py HELP.JSON PAGE DATE [PROSE]: prints the man page PAGE (netlab, netlab-calc, ...) in mdoc(7).

Names, synopsis, description, options, variables, sections of the configuration file, exit statuses and examples come
from the command tables in `netlab help --json`. PROSE is hand-written mdoc for the rest: each of its sections goes to
its place, after the generated part if one has the same name. Its SEE ALSO has one .Xr per line.
"""
import json
import re
import sys
import textwrap

# The order of mdoc(7); other sections follow OPTIONS in the order of PROSE.
BEFORE = ['NAME', 'SYNOPSIS', 'DESCRIPTION', 'COMMANDS', 'OPTIONS']
BEHIND = ['ENVIRONMENT', 'FILES', 'EXIT STATUS', 'EXAMPLES', 'DIAGNOSTICS', 'SEE ALSO', 'STANDARDS', 'CAVEATS', 'BUGS']


def literal(text):
    """Text for an argument of a macro, with each character as a user would type it."""
    for character, name in {'\\': r'\e', '-': r'\-', "'": r'\(aq', '`': r'\(ga', '"': r'\(dq', '~': r'\(ti',
                            '^': r'\(ha'}.items():
        text = text.replace(character, name)
    return text


def word(text):
    """One argument of a macro line."""
    return f'"{literal(text)}"' if ' ' in text else literal(text)


def prose(text):
    """Paragraphs with each sentence on a line of its own, and hyphens as a user would type them."""
    text = text.replace('\\', r'\e')
    text = re.sub(r'(?<![\w\\-])--?(?=[\w ])', lambda dashes: dashes[0].replace('-', r'\-'), text)
    lines = []
    for paragraph in text.split('\n\n'):
        lines += ['.Pp'] if lines else []
        for sentence in re.split(r'(?<=[.!?]) +(?=[A-Z])', paragraph):
            lines += [re.sub(r"^(?=[.'])", r'\&', line)
                      for line in textwrap.wrap(sentence, 78, break_long_words=False, break_on_hyphens=False)]
    return lines


def sentence(text, literals=()):
    """Capitalizes the text unless it starts with a word that is typed literally."""
    if not text.startswith(tuple(literals)):
        text = text[:1].upper() + text[1:]
    return text if text.endswith('.') else text + '.'


def tagged(entries, width='Ds', compact=False):
    """A list of tagged entries from (head, lines) pairs."""
    lines = [f'.Bl -tag -width {width}' + (' -compact' if compact else '')]
    for head, body in entries:
        lines += [f'.It {head}', *body]
    return [*lines, '.El']


def listed(macro, names, end=''):
    """Names separated by commas."""
    return [f'.{macro} {name}{end if name is names[-1] else " ,"}' for name in names]


def operands(text):
    """`[OP NUMBER... | -]` as macros."""
    parts = []
    for piece in re.findall(r'\[|\]|\||\.\.\.|[^\s\[\]|.]+', text):
        if piece in '[]':
            parts.append({'[': 'Oo', ']': 'Oc'}[piece])
        elif piece in ('|', '...'):
            parts.append(piece)
        else:
            parts.append(('Ar ' if piece.isupper() else 'Cm ') + word(piece))
    return parts


# What the tables say.

def synopsis(action):
    lines = [f'.Nm "netlab {action["path"]}"']
    if action['transports']:
        lines.append('.Op Cm tcp | udp')
    lines.append('.Op Ar OPTIONS')
    if action['arguments']:
        lines.append('.' + ' '.join(operands(action['arguments'])))
    return lines


def option(of):
    head = f'Fl {of["letter"]} , ' if 'letter' in of else ''
    head += 'Fl ' + literal('-' + of['name'])
    if 'argument' in of:
        head += ' Ar ' + word(of['argument'])
    says = sentence(of['help'], of.get('choices', ()))
    if 'choices_in_words' in of:
        says += f' One of {of["choices_in_words"]}.'
    if 'default' in of:
        says += f' Default: {of["default"]}.'
    if of.get('repeatable'):
        says += ' Repeatable.'
    return head, prose(says)


def in_order_of_help(options):
    """Sorted by name, except options listed after another one."""
    return [shown for each in options if 'beside' not in each
            for shown in (each, *(other for other in options if other.get('beside') == each['name']))]


def options(actions):
    common = [each for each in actions[0]['options'] if each.get('common')]
    lines = []
    for action in actions:
        own = [each for each in action['options'] if not each.get('common')]
        if own and len(actions) > 1:
            lines.append(f'.Ss netlab {action["path"]}')
        if action['transports']:
            lines += ['A leading', '.Cm tcp', 'or', '.Cm udp', 'means', r'.Fl \-tcp', 'or', r'.Fl \-udp .']
        if own:
            lines += tagged(map(option, in_order_of_help(own)))
    return lines + ['.Ss Common options', *tagged(map(option, common))]


def environment(actions):
    lines = ['An option that is not in the command line is taken from its variable, else from the configuration',
             'file; see', '.Xr netlab 1 .']
    for action in actions:
        names = sorted(each['variable'] for each in action['options'] if 'variable' in each)
        # Not adjusted: a line with one long name has no blank that could be widened, of which groff warns.
        lines += ['.Pp', f'.Nm "netlab {action["path"]}"', 'reads', '.Bd -ragged -compact', *listed('Ev', names, ' .'), '.Ed']
    return textwrap.wrap(' '.join(lines[:2]), 78) + lines[2:]


def files(actions):
    names = [f'[{action["path"]}]' for action in actions]
    noun = 'section' if len(names) == 1 else 'sections'
    return tagged([(f'Pa {literal("~/.config/netlab/config")}',
                    [f'The {noun}', *[f'.Li "{name}"' + ('' if name == names[-1] else ' ,') for name in names],
                     'of the configuration file; see', '.Xr netlab 1 .'])])


def statuses(meanings, actions):
    """Every status of the actions, with its actions if not all of them can return it."""
    entries = []
    for status in sorted({status for action in actions for status in action['statuses']}):
        verbs = [action['path'].split(' ')[-1] for action in actions if status in action['statuses']]
        only = '' if len(verbs) == len(actions) else f' ({", ".join(verbs)})'
        entries.append((f'{status}', prose(sentence(meanings[str(status)] + only))))
    return tagged(entries, compact=True)


def examples(actions):
    return tagged((f'Ic {word(each["line"])}', prose(sentence(each['says'])))
                  for action in actions for each in action['examples'])


def of_netlab(help):
    every = [action for command in help['commands'] for action in command['actions']]
    return {
        'NAME': ['.Nm netlab', f'.Nd {help["summary"]}'],
        'SYNOPSIS': ['.Nm netlab', '.Ar COMMAND', '.Op Ar SUBCOMMAND', '.Op Ar OPTIONS', '.Op Ar ARGUMENTS',
                     '.Nm netlab Cm help', '.Op Ar COMMAND Op Ar SUBCOMMAND',
                     '.Nm netlab Fl V | Fl \\-version'],
        'COMMANDS': tagged(((f'Xr netlab\\-{command["name"]} 1', prose(sentence(command['summary'])))
                            for command in help['commands']), width='netlab-base64(1)', compact=True),
        'OPTIONS': tagged(option(each) for each in every[0]['options'] if each.get('common')),
        'EXIT STATUS': tagged(((status, prose(sentence(meaning))) for status, meaning in help['statuses'].items()),
                              compact=True),
        'SEE ALSO': [f'.Xr netlab\\-{command["name"]} 1' for command in help['commands']],
    }


def of_command(help, command):
    actions = command['actions']
    if len(actions) == 1:
        description = prose(actions[0]['description'])
    else:
        description = [line for action in actions
                       for line in (f'.Ss netlab {action["path"]}', *prose(action['description']))]
    return {
        'NAME': [f'.Nm netlab\\-{command["name"]}', f'.Nd {command["summary"]}'],
        'SYNOPSIS': [line for action in actions for line in synopsis(action)],
        'DESCRIPTION': description,
        'OPTIONS': options(actions),
        'ENVIRONMENT': environment(actions),
        'FILES': files(actions),
        'EXIT STATUS': statuses(help['statuses'], actions),
        'EXAMPLES': examples(actions),
        'SEE ALSO': ['.Xr netlab 1'],
    }


def read_prose(path):
    """The sections of the file: name → lines."""
    sections, lines = {}, []
    with open(path, encoding='utf-8') as text:
        for line in text.read().splitlines():
            if line.startswith('.Sh '):
                lines = sections.setdefault(line.removeprefix('.Sh '), [])
            elif not line.startswith('.\\"'):
                lines.append(line)
    return sections


def references(lines):
    """`.Xr NAME SECTION` lines in mdoc's order, with punctuation."""
    names = sorted({line.removeprefix('.Xr ') for line in lines}, key=lambda name: name.split(' ')[::-1])
    return listed('Xr', names)


def page(help, name, date, by_hand):
    if name == 'netlab':
        sections = of_netlab(help)
    else:
        command = next((each for each in help['commands'] if 'netlab-' + each['name'] == name), None)
        if command is None:
            sys.exit(f'page.py: {name}: no such command in the tables of app/*.cpp')
        sections = of_command(help, command)
    for title, lines in by_hand.items():
        sections[title] = sections.get(title, []) + lines
    sections['SEE ALSO'] = references(sections['SEE ALSO'])

    lines = ['.\\" Made by app/man/page.py from the tables of the commands and from app/man/*.mdoc.',
             f'.Dd {date}', f'.Dt {name.upper()} 1', f'.Os netlab {help["version"]}']
    special = [title for title in sections if title not in BEFORE + BEHIND]
    for title in [*BEFORE, *special, *BEHIND]:
        if title in sections:
            lines += [f'.Sh {title}', *sections[title]]
    return '\n'.join(lines) + '\n'


def main(help_file, name, date, prose_file=None):
    with open(help_file, encoding='utf-8') as text:
        help = json.load(text)
    sys.stdout.reconfigure(encoding='utf-8')
    sys.stdout.write(page(help, name, date, read_prose(prose_file) if prose_file else {}))


main(*sys.argv[1:])
