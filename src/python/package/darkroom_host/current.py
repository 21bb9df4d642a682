"""Which call of a node the code that runs belongs to: 0 for none."""
import contextlib
import contextvars

_call = contextvars.ContextVar("call", default=0)


@contextlib.contextmanager
def call(number):
    token = _call.set(number)
    try:
        yield
    finally:
        _call.reset(token)


def number():
    return _call.get()
