# SPDX-License-Identifier: MIT
"""fish.py HELP.JSON: prints the completions for fish."""
from tables import load

BODY = r'''# fish completions for netlab and its links. Made by app/completions/fish.py.

# The words between netlab and the cursor. A link's name has been replaced by then: see -w below.
function __netlab_words
    set -l words (commandline -opc)
    string join -- \n $words[2..]
end

# These words and no other.
function __netlab_at
    set -l words (__netlab_words)
    test "$words" = "$argv"
end

# These words first.
function __netlab_behind
    set -l words (__netlab_words)
    set -l count (count $argv)
    test "$words[1..$count]" = "$argv"
end

# These words, and behind them at most transports.
function __netlab_before_options
    set -l words (__netlab_words)
    string match -qr "^$argv( tcp| udp)*\$" -- "$words"
end

# The words $argv[1], and behind them no argument but transports; $argv[2..] are the options with a value.
function __netlab_before_arguments
    set -l words (__netlab_words)
    set -l path (string split ' ' -- $argv[1])
    set -l count (count $path)
    test "$words[1..$count]" = "$path"; or return
    set -l value no
    set -l leading yes
    for word in $words[(math $count + 1)..]
        if test $value = yes
            set value no
        else if contains -- $word $argv[2..]
            set value yes
            set leading no
        else if string match -qr -- '^-[^0-9]' $word
            set leading no
        else if not contains -- $word tcp udp; or test $leading = no
            return 1
        end
    end
    test $value = no
end

# This file is read once for each name.
for name in @NAMES@
    complete -c $name -e
end
complete -c netlab -f
'''


def quote(text):
    return "'" + text.replace('\\', '\\\\').replace("'", "\\'") + "'"


def entry(condition, *rest):
    print('complete -c netlab -n', quote(condition), *rest)


def word(condition, text, says):
    entry(condition, '-a', text, '-d', quote(says))


def value(thing):
    if thing.words:
        return ['-x', '-a', quote(' '.join(thing.words))]
    return {'directory': ['-x', '-a', quote('(__fish_complete_directories)')], 'file': ['-r', '-F'],
            'host': ['-x', '-a', quote('(__fish_print_hostnames)')], None: ['-x']}[thing.kind]


def main():
    commands = load()
    print(BODY.replace('@NAMES@', ' '.join(['netlab', *('netlab-' + each.name for each in commands)])))

    for command in commands:
        word('__netlab_at', command.name, command.summary)
        word('__netlab_at help', command.name, command.summary)
    word('__netlab_at', 'help', 'options and examples of a command')
    entry('__netlab_at help', '-l json', '-d', quote('everything, for programs'))
    for path in [[], *[[each.name] for each in commands if each.verbs]]:
        condition = ' '.join(['__netlab_at', *path])
        entry(condition, '-s h -l help', '-d', quote('help'))
        entry(condition, '-s V -l version', '-d', quote('the version'))

    for command in commands:
        for action in command.actions:
            if action.verb:
                word(f'__netlab_at {command.name}', action.verb, action.summary)
                word(f'__netlab_at help {command.name}', action.verb, action.summary)
            for transport in action.transports:
                word(f'__netlab_before_options {action.path}', transport, f'over {transport.upper()}')
            valued = [one for each in action.options if each.argument for one in each.spellings]
            arguments = f'__netlab_before_arguments "{action.path}" {" ".join(valued)}'
            if action.words:
                entry(arguments, '-a', quote(' '.join(action.words)))
            elif action.kind:
                entry(arguments, *value(action))
            for option in action.options:
                letter = [f'-s {option.letter}'] if option.letter else []
                entry(f'__netlab_behind {action.path}', *letter, f'-l {option.name}',
                      *(value(option) if option.argument else []), '-d', quote(option.help))
    print()
    for command in commands:
        print(f"complete -c netlab-{command.name} -w 'netlab {command.name}'")


main()
