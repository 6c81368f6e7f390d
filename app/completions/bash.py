# SPDX-License-Identifier: MIT
"""bash.py HELP.JSON: prints the completions for bash."""
from tables import load, quote

BODY = r'''# bash completions for netlab and its links. Made by app/completions/bash.py.

# Sets what may follow the words $1: `verbs`, the next word; `options`; `valued`, those of them with a value;
# `transports` and `operands`, words for the first argument, or the kind of it in `operand_kind`.
__netlab_table() {
  verbs= options= valued= transports= operands= operand_kind=
  case $1 in
@TABLE@
  esac
}

# Sets what the value of the option $2 behind the words $1 may be: `values`, or its kind in `value_kind`.
__netlab_values() {
  values= value_kind=
  case "$1 $2" in
@VALUES@
  esac
}

# Splits $1 as the shell does, expanding nothing: sets `words`, without their quotes and backslashes, and the one that the
# cursor is at, maybe empty, in `cur`. `kept` is how much of that readline leaves alone: it replaces what comes after the
# last quote or character of COMP_WORDBREAKS.
__netlab_split() {
  local rest=$1 quote= begun= char
  words=() cur= kept=
  while [[ -n $rest ]]; do
    char=${rest:0:1} rest=${rest:1}
    if [[ $char == "$quote" ]]; then
      quote= kept=$cur
    elif [[ $quote == \' || $quote == \" && $char != \\ ]]; then
      cur+=$char
    elif [[ $char == \\ ]]; then
      if [[ -n $quote && ${rest:0:1} != [\"\$\`\\] ]]; then cur+=\\; fi
      cur+=${rest:0:1} rest=${rest:1} begun=1
    elif [[ $char == [\'\"] ]]; then
      quote=$char begun=1 kept=$cur
    elif [[ $char != [[:space:]] ]]; then
      cur+=$char begun=1
      if [[ $COMP_WORDBREAKS == *"$char"* ]]; then kept=$cur; fi
    elif [[ -n $begun ]]; then
      words+=("$cur") cur= kept= begun=
    fi
  done
}

# __netlab_reply KIND WORD...: what of the kind and of the words begins with $cur, which stands after $lead in its word
__netlab_reply() {
  local offered each
  case $1 in
    directory) compopt -o filenames 2>/dev/null; mapfile -t offered < <(compgen -d -W "${*:2}" -- "$cur") ;;
    file) compopt -o filenames 2>/dev/null; mapfile -t offered < <(compgen -f -W "${*:2}" -- "$cur") ;;
    host) mapfile -t offered < <(compgen -A hostname -W "${*:2}" -- "$cur") ;;
    *) mapfile -t offered < <(compgen -W "${*:2}" -- "$cur") ;;
  esac
  for each in "${offered[@]}"; do
    each=$lead$each
    COMPREPLY+=("${each#"$kept"}")
  done
}

_netlab() {
  # Not COMP_WORDS, which has --port=7 and 127.0.0.1:7 in pieces.
  local cur= kept= lead= at=1 path= words
  local verbs options valued transports operands operand_kind values value_kind
  COMPREPLY=()
  __netlab_split "${COMP_LINE:0:COMP_POINT}"

  __netlab_table ''
  local name=${words[0]##*/}
  name=${name#netlab-}
  if [[ " $verbs " == *" $name "* ]]; then
    path=$name
    __netlab_table "$path"
  fi
  while [[ -n $verbs ]]; do
    if ((at == ${#words[@]})); then
      if [[ $cur == -* ]]; then verbs=$options; fi
      __netlab_reply words "$verbs"
      return
    fi
    [[ " $verbs " == *" ${words[at]} "* ]] || return
    path=${path:+$path }${words[at++]}
    __netlab_table "$path"
  done

  local word waiting= plain=0
  for word in "${words[@]:at}"; do
    if [[ -n $waiting ]]; then
      waiting=
    elif [[ " $valued " == *" $word "* ]]; then
      waiting=$word transports=
    elif [[ $word == -[!0-9]* ]]; then
      transports=
    elif [[ " $transports " != *" $word "* ]]; then
      plain=1 transports=
    fi
  done
  if [[ -z $waiting && $cur == --*=* ]]; then
    waiting=${cur%%=*} lead=${cur%%=*}= cur=${cur#*=}
  fi
  if [[ -n $waiting ]]; then
    __netlab_values "$path" "$waiting"
    __netlab_reply "$value_kind" "$values"
  elif [[ $cur == -* || $plain == 0 && -z $transports$operands$operand_kind ]]; then
    __netlab_reply words "$options"
  elif [[ $plain == 0 ]]; then
    if [[ $cur == [a-z]* ]]; then operands=${operands,,}; fi
    __netlab_reply "$operand_kind" "$transports $operands"
  fi
}

complete -F _netlab @NAMES@
'''


def row(path, **sets):
    values = ' '.join(f'{name}={quote(" ".join(words))}' for name, words in sets.items() if words)
    return f'    {quote(path)}) {values} ;;'


def rows(commands):
    names = [each.name for each in commands]
    yield row('', verbs=[*names, 'help'], options=['-h', '--help', '-V', '--version'])
    yield row('help', verbs=names, options=['--json'])
    for command in commands:
        if command.verbs:
            yield row(command.name, verbs=command.verbs, options=['-h', '--help', '-V', '--version'])
            yield row(f'help {command.name}', verbs=command.verbs)
        for action in command.actions:
            yield row(action.path, options=[one for each in action.options for one in each.spellings],
                      valued=[one for each in action.options if each.argument for one in each.spellings],
                      transports=action.transports, operands=action.words,
                      operand_kind=[action.kind] if action.kind else [])


def values(commands):
    """One `case` branch for all options with the same values."""
    lines = {}
    for command in commands:
        for action in command.actions:
            for option in action.options:
                says = f'values={quote(" ".join(option.words))}' if option.words else f'value_kind={option.kind}'
                if option.argument and (option.words or option.kind):
                    lines.setdefault(says, []).extend(quote(f'{action.path} {one}') for one in option.spellings)
    for says, patterns in lines.items():
        yield f'    {" | ".join(patterns)}) {says} ;;'


def main():
    commands = load()
    print(BODY.replace('@TABLE@', '\n'.join(rows(commands))).replace('@VALUES@', '\n'.join(values(commands)))
          .replace('@NAMES@', ' '.join(['netlab'] + ['netlab-' + each.name for each in commands])), end='')


main()
