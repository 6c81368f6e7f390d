# SPDX-License-Identifier: MIT
"""layers.py ROOT: the #includes under lib/ and app/ point downwards only.

    app/commands > app/frame > lib/lab > lib/MODULE (calc, simple, ...) > lib/serve > lib/tls > lib/net > lib/base

Never sideways from module to module; and in a module, only files in a folder io/ use sockets, threads or clocks.
"""
import os
import re
import sys

import lint

# Headers that only I/O needs.
IO_HEADERS = re.compile(
    r'asio\b|openssl/(ssl|bio)|sys/(socket|epoll|un|uio|select|signalfd|eventfd|timerfd)|netinet/|arpa/(?!inet\.h)|net/if|netdb\.h'
    r'|poll\.h|pthread|(thread|mutex|shared_mutex|condition_variable|future|stop_token|semaphore|latch|barrier)$')
READS_CLOCK = re.compile(r'\bclock::now\(|\b(clock_)?gettime(ofday)?\(')

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
COMMENT = re.compile(r'//.*')


BASE, NET, TLS, SERVE, MODULE, LAB, APP = range(7)
LAYERS = {'base': BASE, 'net': NET, 'tls': TLS, 'serve': SERVE, 'lab': LAB, 'app': APP}


def layer(module):
    return LAYERS.get(module, MODULE)


def is_pure(module, inside):
    """True if the file uses no sockets, threads or clocks. base names a clock but does not read it. `inside`: the path
    in the module's folder."""
    return module == 'base' or layer(module) == MODULE and 'io' not in inside.split('/')[:-1]


def sources(root):
    """(path from the root, module, path from the module's folder)"""
    for top in ('app', 'lib'):
        for directory, _, names in sorted(os.walk(os.path.join(root, top))):
            for name in sorted(names):
                path = os.path.relpath(os.path.join(directory, name), root)
                if name.endswith(('.cpp', '.hpp')):
                    parts = path.split(os.sep)
                    yield path, 'app' if top == 'app' else parts[1], '/'.join(parts[2 if top == 'lib' else 1:])


def check_project_include(modules, module, name, target):
    """Checks `#include "target"`."""
    first, _, rest = target.partition('/')
    if not rest:
        yield f'includes "{target}": write it with its folder, from lib/ or app/'
        return
    if module == 'app' and first in ('commands', 'frame'):
        if first == 'commands' and name.startswith('frame/'):
            yield f'includes "{target}": upwards, from frame to commands'
        return
    if first not in modules:
        yield f'includes "{target}": there is no lib/{first}'
    elif first == module:
        if is_pure(module, name) and not is_pure(module, rest):
            yield f'includes "{target}", which does I/O; only files in io/ may'
    elif layer(first) > layer(module):
        yield f'includes "{target}": upwards, from {module} to {first}'
    elif layer(first) == layer(module):
        yield f'includes "{target}": sideways, from {module} to {first}; what both need moves down'
    elif NET <= layer(first) <= SERVE and is_pure(module, name):
        yield f'includes "{target}"; in a module only files in io/ may'


def check_foreign_include(module, name, target):
    """Checks `#include <target>`."""
    if target.startswith('asio') and module not in ('net', 'tls', 'serve'):
        yield f'includes <{target}>: Asio only by way of net/asio.hpp'
    elif target.startswith('openssl/') and module in ('net', 'serve'):
        yield f'includes <{target}>: TLS only by way of lib/tls'
    elif is_pure(module, name) and IO_HEADERS.match(target):
        yield f'includes <{target}>, which is for I/O'


def check(root):
    modules = {name for name in os.listdir(os.path.join(root, 'lib')) if os.path.isdir(os.path.join(root, 'lib', name))}
    with open(os.path.join(root, 'lib', 'README.md'), encoding='utf-8') as text:
        described = set(re.findall(r'^- \*\*([\w-]+)\*\*', text.read(), re.MULTILINE))
    for module in sorted(modules ^ described):
        yield f'lib/{module}: ' + ('has no paragraph in lib/README.md' if module in modules else 'is not there, but in lib/README.md')
    for path, module, name in sources(root):
        with open(os.path.join(root, path), encoding='utf-8') as text:
            lines = text.read().splitlines()
        for number, line in enumerate(lines, 1):
            found = INCLUDE.match(line)
            if found and found[1] == '"':
                wrong = check_project_include(modules, module, name, found[2])
            elif found:
                wrong = check_foreign_include(module, name, found[2])
            elif is_pure(module, name) and READS_CLOCK.search(COMMENT.sub('', line)):
                wrong = ['reads a clock; the time is an argument']
            else:
                wrong = []
            for each in wrong:
                yield f'{path}:{number}: {each}'


lint.end(check(*sys.argv[1:]))
