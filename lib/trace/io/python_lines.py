# SPDX-License-Identifier: MIT
# Written by netlab trace for the time of one trace, as sitecustomize.py: before each call on a socket it notes which line
# of the program makes it. Each thread has a buffer for its line. It tells the tracer the buffer's address once, by a
# write to descriptor -1, which to the program is only an error; the tracer reads the buffer when the call stops. So a line
# costs no stop of its own.
import os
import sys
from _thread import _local

_here = os.path.dirname(os.path.abspath(__file__))
_library = os.path.dirname(os.__file__) + os.sep
_asyncio = os.path.join(_library, 'asyncio') + os.sep
_not_own = (_library, '<frozen', _here)
_max_known = 4096

_mark = b'netlab: line\0\0\0\0'  # a buffer begins with it
_size = 4096
_threads = _local()
_has_addresses = sys.implementation.name == 'cpython'  # elsewhere objects may move: each line is written


def _write(octets):
    try:
        os.write(-1, octets)
    except OSError:
        pass


def _make_buffer():
    buffer = memoryview(bytearray(_mark + bytes(_size)))  # a memoryview forbids a change of the size
    _write(buffer)
    _threads.line = buffer[len(_mark):]
    return _threads.line


def _find_caller(frame):
    """The innermost frame in the program's own code; in the event loop of asyncio it is not the one that called."""
    first = frame
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(_asyncio):
            return first
        if not name.startswith(_not_own):
            return frame
        frame = frame.f_back
    return first


def _make_text(method, frame, known):
    caller = _find_caller(frame)
    code = caller.f_code
    text = f'{method}\0{code.co_filename}\0{caller.f_lineno}\0{code.co_name}'.encode(errors='replace')[:_size - 1] + b'\0'
    name = frame.f_code.co_filename
    if name.startswith(_asyncio) or not name.startswith(_not_own):  # else it depends on the callers
        if len(known) >= _max_known:
            known.clear()
        known[id(frame.f_code), frame.f_lasti] = text, frame.f_code  # the code is kept, so that its id stays its own
    return text


def _wrap(of, method, getframe=sys._getframe, threads=_threads):
    original = getattr(of, method, None)
    if original is None:
        return
    known = {}  # texts by code and instruction: to find a line takes longer than all the rest

    def with_line(*arguments, **named):
        frame = getframe(1)
        found = known.get((id(frame.f_code), frame.f_lasti))
        text = found[0] if found else _make_text(method, frame, known)
        try:
            threads.line[:len(text)] = text
        except AttributeError:
            if _has_addresses:
                _make_buffer()[:len(text)] = text
            else:
                _write(text)
        return original(*arguments, **named)

    with_line.__name__, with_line.__qualname__, with_line.__doc__ = method, f'{of.__name__}.{method}', original.__doc__
    setattr(of, method, with_line)


def _wrap_socket(module):
    for method in ('__init__', 'accept', 'bind', 'close', 'connect', 'connect_ex', 'detach', 'getpeername', 'getsockname',
                   'getsockopt', 'listen', 'recv', 'recv_into', 'recvfrom', 'recvfrom_into', 'recvmsg', 'recvmsg_into', 'send',
                   'sendall', 'sendfile', 'sendmsg', 'sendto', 'setblocking', 'setsockopt', 'settimeout', 'shutdown'):
        _wrap(module.socket, method)


def _wrap_ssl(module):
    for method in ('do_handshake', 'read', 'recv', 'recv_into', 'send', 'sendall', 'unwrap', 'write'):
        _wrap(module.SSLSocket, method)


_wraps = {'socket': _wrap_socket, 'ssl': _wrap_ssl}


class _Finder:
    """Wraps a module's methods when the program imports it; nothing is imported before."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        wrap = _wraps.pop(name, None)
        if wrap is None:
            return None
        for finder in sys.meta_path:
            spec = None if finder is _Finder else finder.find_spec(name, path, target)
            if spec is not None and spec.loader is not None:
                load = spec.loader.exec_module

                def exec_module(module):
                    load(module)
                    wrap(module)

                spec.loader.exec_module = exec_module
                return spec
        return None


def _start():
    for name in list(_wraps):
        if name in sys.modules:
            _wraps.pop(name)(sys.modules[name])
    sys.meta_path.insert(0, _Finder)
    os.register_at_fork(after_in_child=lambda: _threads.__dict__.clear())  # the tracer does not know the child's buffer
    # Without this directory in the path, the import finds the program's own sitecustomize, if there is one.
    sys.path[:] = [each for each in sys.path if os.path.abspath(each or '.') != _here]
    own = sys.modules.pop('sitecustomize', None)
    try:
        import sitecustomize  # noqa: F401
    except ImportError:
        if own is not None:
            sys.modules['sitecustomize'] = own


_start()
