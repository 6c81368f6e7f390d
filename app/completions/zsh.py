# SPDX-License-Identifier: MIT
"""zsh.py HELP.JSON: prints the completions for zsh."""
from tables import load, quote

BODY = r'''#compdef @NAMES@
# zsh completions for netlab and its links. Made by app/completions/zsh.py.

# The functions below find in words[1] the command or subcommand itself.

_netlab() {
  if [[ $service == netlab-* ]]; then
    _netlab_behind ${service#netlab-}
    return
  fi
  local curcontext=$curcontext state state_descr line
  typeset -A opt_args
  _arguments -C : $_netlab_top '1:command:_netlab_commands' '*::argument:->rest' && return
  case $state in
    rest) _netlab_behind $words[1] ;;
  esac
}

_netlab_top=(
  '(- : *)'{-h,--help}'[help]'
  '(- : *)'{-V,--version}'[the version]'
)

_netlab_commands() {
  local -a commands=(
@COMMANDS@
  )
  [[ $1 == --only ]] && shift || commands+=('help:options and examples of a command')
  _describe -t commands command commands
}

# _netlab_verbs COMMAND VERB:SUMMARY...: the subcommand, then what belongs to it
_netlab_verbs() {
  local command=$1 curcontext=$curcontext state state_descr line
  local -a verbs=("${@:2}")
  typeset -A opt_args
  _arguments -C : $_netlab_top '1:subcommand:->verb' '*::argument:->rest' && return
  case $state in
    verb) _describe -t commands subcommand verbs ;;
    rest) _netlab_behind "$command $words[1]" ;;
  esac
}

# _netlab_action TRANSPORTS WORDS SPEC...: options and arguments; `tcp` and `udp` may stand first, where nothing else does
_netlab_action() {
  local -a first=(${=1} ${=2})
  while [[ -n $1 ]] && (( CURRENT > 2 )) && [[ $words[2] == (tcp|udp) ]]; do
    words[2]=()
    (( CURRENT-- ))
  done
  (( CURRENT == 2 )) || first=(${=2})
  _arguments -s : "${@:3}"
}

# The first argument of an action, in small letters too.
_netlab_first() { compadd "$@" -M 'm:{a-z}={A-Z}' -a first }

_netlab_behind() {
  case $1 in
    help)
      if (( CURRENT == 2 )); then
        _arguments : '--json[everything, for programs]' '1:command:_netlab_commands --only'
      elif (( CURRENT == 3 )); then
        case $words[2] in
@HELP@
        esac
      fi
      ;;
@ACTIONS@
  esac
}

_netlab "$@"
'''


def described(name, text):
    return quote(f'{name}:{text}')


def value(thing):
    """The part of a specification that describes the possible values."""
    if thing.words:
        return f'({" ".join(thing.words)})'
    return {'directory': '_directories', 'file': '_files', 'host': '_hosts', None: ''}[thing.kind]


def option(of):
    says = of.help.replace('[', r'\[').replace(']', r'\]')
    names = '{' + ','.join(of.spellings) + '}' if of.letter else ''
    if of.repeatable:
        before = '*'
    else:
        before = f'({" ".join(of.spellings)})' if of.letter else ''
    after = f'[{says}]'
    if of.argument:
        after += f':{of.argument.replace(":", chr(92) + ":")}:{value(of)}'
    if not of.letter:
        equals = '=' if of.argument else ''
        return quote(f'{before}--{of.name}{equals}{after}')
    names = '{' + ','.join(one + ('=' if of.argument and one.startswith('--') else '') for one in of.spellings) + '}'
    return (quote(before) if before else '') + names + quote(after)


def operands(action):
    specs = []
    if action.transports or action.words:
        specs.append(f'1:{action.operand or "transport"}:_netlab_first')
    if action.operand:
        specs.append(f'*:{action.operands.replace(":", chr(92) + ":")}:{"" if action.words else value(action)}')
    return [quote(each) for each in specs]


def action_case(action):
    lines = [f'    {quote(action.path)})',
             f'      _netlab_action {quote(" ".join(action.transports))} {quote(" ".join(action.words))} \\']
    specs = [option(each) for each in action.options] + operands(action)
    lines += [f'        {each} \\' for each in specs]
    lines[-1] = lines[-1].removesuffix(' \\')
    return [*lines, '      ;;']


def verbs_of(command):
    return ' '.join(described(each.verb, each.summary) for each in command.actions)


def main():
    commands = load()
    cases = []
    for command in commands:
        if command.verbs:
            cases += [f'    {command.name}) _netlab_verbs {command.name} {verbs_of(command)} ;;']
        for action in command.actions:
            cases += action_case(action)
    text = BODY
    for mark, lines in {
        'NAMES': [' '.join(['netlab'] + ['netlab-' + each.name for each in commands])],
        'COMMANDS': [f'    {described(each.name, each.summary)}' for each in commands],
        'HELP': [f'          {each.name}) local -a verbs=({verbs_of(each)}); _describe -t commands subcommand verbs ;;'
                 for each in commands if each.verbs],
        'ACTIONS': cases,
    }.items():
        text = text.replace(f'@{mark}@', '\n'.join(lines))
    print(text, end='')


main()
