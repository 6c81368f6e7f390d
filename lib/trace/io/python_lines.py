# SPDX-License-Identifier: MIT
# Written by netlab trace for the time of one trace, as sitecustomize.py: before each call on a socket it tells the tracer
# which line of the program makes it. The tracer sees the write; to the program descriptor -1 is only an error.
import os
import sys

_here = os.path.dirname(os.path.abspath(__file__))
_library = os.path.dirname(os.__file__) + os.sep
_asyncio = os.path.join(_library, 'asyncio') + os.sep


def _tell(method, getframe=sys._getframe, write=os.write):
    frame = getframe(2)
    first = frame
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(_asyncio):  # the line that started the event loop is not the one that called
            frame = None
            break
        if not name.startswith((_library, '<frozen', _here)):
            break
        frame = frame.f_back
    frame = frame or first
    try:
        write(-1, f'{method}\0{frame.f_code.co_filename}\0{frame.f_lineno}\0{frame.f_code.co_name}'.encode(errors='replace'))
    except OSError:
        pass


def _wrap(of, method):
    original = getattr(of, method, None)
    if original is None:
        return

    def told(*arguments, **named):
        _tell(method)
        return original(*arguments, **named)

    told.__name__, told.__qualname__, told.__doc__ = method, f'{of.__name__}.{method}', original.__doc__
    setattr(of, method, told)


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
    # The place where the program's own sitecustomize would have been found comes next.
    sys.path[:] = [each for each in sys.path if os.path.abspath(each or '.') != _here]
    own = sys.modules.pop('sitecustomize', None)
    try:
        import sitecustomize  # noqa: F401
    except ImportError:
        if own is not None:
            sys.modules['sitecustomize'] = own


_start()
