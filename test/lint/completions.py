# SPDX-License-Identifier: MIT
"""completions.py SHELL FILE NETLAB: checks the completions that a real shell offers with FILE loaded.

Every command, subcommand, option and choice in the help must be offered, for netlab and for its links.
"""
import os
import pty
import select
import shutil
import sys
import tempfile
import time

import lint

# Shells: each completes lines and returns a list of words for each.

BASH = r'''
source "$1"
while IFS= read -r COMP_LINE; do
  COMP_POINT=${#COMP_LINE}
  _netlab
  echo "${COMPREPLY[*]}"
done
'''


def bash(file, lines, _home):
    answer = lint.output('bash', '--norc', '-c', BASH, 'bash', file, input='\n'.join(lines) + '\n')
    return [words.split() for words in answer.splitlines()]


FISH = r'''
source $argv[1]
while read -l line
    echo (complete -C $line | string replace -r '\t.*' '')
end
'''


def fish(file, lines, home):
    answer = lint.output('fish', '--no-config', '-c', FISH, file, input='\n'.join(lines) + '\n', env=home)
    return [words.split() for words in answer.splitlines()]


# Completion works only in the line editor, so in a terminal; the list of words is written to a file.
ZSH = r'''
PS1= PS2= RPS1= ; setopt no_beep
fpath=($1 $fpath); autoload -Uz compinit; compinit -D -u
typeset -a offered
compadd() {
  if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd "$@"; return; fi
  typeset -a __hits
  builtin compadd -O __hits "$@"
  offered+=("${__hits[@]}")
  builtin compadd "$@"
}
ask() { offered=(); _main_complete; print -r -- "${(@)offered}" >>$2; compstate[insert]= compstate[list]= }
'''


def zsh(file, lines, home):
    directory = home['HOME']
    shutil.copy(file, os.path.join(directory, '_netlab'))
    found = os.path.join(directory, 'found')
    with open(os.path.join(directory, 'setup'), 'w', encoding='utf-8') as setup:
        setup.write(ZSH.replace('$1', directory).replace('$2', found))
        setup.write("zle -C ask list-choices ask\nbindkey '^G' ask\nbindkey '^U' kill-buffer\n"
                    f'print ready >{found}\n')
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvpe('zsh', ['zsh', '-f', '-i'], home)
    try:
        answers = []
        for number, typed in enumerate([f'. {directory}/setup\r', *(f'\x15{line}\x07' for line in lines)]):
            os.write(terminal, typed.encode())
            answers = wait_for_lines(found, number + 1, terminal, typed)
        return [words.split() for words in answers[1:]]
    finally:
        os.close(terminal)
        os.waitpid(pid, 0)


def wait_for_lines(path, count, terminal, typed):
    """The lines of the file, when there are `count` of them."""
    deadline = time.monotonic() + 20
    shown = b''
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.002)[0]:
            shown += os.read(terminal, 65536)
        if os.path.exists(path):
            with open(path, encoding='utf-8') as text:
                lines = text.read().split('\n')[:-1]
            if len(lines) >= count:
                return lines
    lint.end([f'zsh: no answer to {typed!r}: {shown!r}'])


# The expected words.

def expectations(netlab):
    """(line, words that must be offered, the only words that may be offered or None)"""
    help = lint.tables(netlab)
    names = [command['name'] for command in help['commands']]
    yield 'netlab ', [*names, 'help'], None
    yield 'netlab help ', names, None
    for command in help['commands']:
        verbs = [action['path'].partition(' ')[2] for action in command['actions'] if ' ' in action['path']]
        if verbs:
            for line in (f'netlab {command["name"]} ', f'netlab-{command["name"]} ', f'netlab help {command["name"]} '):
                yield line, verbs, verbs
    for _, action in lint.actions(help):
        options = ['--' + name for name in lint.options_in(lint.help_of(netlab, action))]
        for start in ('netlab ', 'netlab-'):
            yield f'{start}{action["path"]} --', options, options
        for option in action['options']:
            if 'choices' in option:
                yield f'netlab {action["path"]} --{option["name"]} ', option['choices'], option['choices']
            elif 'argument' in option and option['argument'] in ('N', 'DURATION'):
                yield f'netlab {action["path"]} --{option["name"]} ', [], []
        if action['transports']:
            yield f'netlab {action["path"]} ', ['tcp', 'udp'], None
            yield f'netlab {action["path"]} --tcp ud', [], []
        if action['arguments'].startswith('[OP '):
            operations = ['SUM', 'PRO', 'MIN', 'MAX']
            yield f'netlab {action["path"]} ', operations, ['tcp', 'udp', *operations]
            yield f'netlab {action["path"]} udp --port 7 ', operations, operations
            yield f'netlab {action["path"]} --port=7 SUM ', [], []


def main(shell, file, netlab):
    if shutil.which(shell) is None:
        lint.skip(f'{shell} is missing')
    expected = list(expectations(netlab))
    lines = [line for line, _, _ in expected]
    with tempfile.TemporaryDirectory() as directory:
        # Without the user's own settings.
        home = {'HOME': directory, 'PATH': os.environ.get('PATH', os.defpath), 'TERM': 'xterm', 'LC_ALL': 'C.UTF-8'}
        answers = {'bash': bash, 'fish': fish, 'zsh': zsh}[shell](file, lines, home)
    failures = []
    if len(answers) != len(lines):
        failures.append(f'{shell}: {len(answers)} answers to {len(lines)} lines')
    for (line, needed, allowed), offered in zip(expected, answers):
        missing = [word for word in needed if word not in offered]
        strange = [word for word in offered if allowed is not None and word not in allowed]
        if missing:
            failures.append(f'{shell}: {line!r} does not offer {" ".join(missing)}')
        if strange:
            failures.append(f'{shell}: {line!r} offers {" ".join(strange)}')
    lint.end(failures)


main(*sys.argv[1:])
