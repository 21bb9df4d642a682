"""Which call of a node the code that runs belongs to: 0 for none that is known, OUTSIDE for certainly none."""
import contextlib
import contextvars

# In handlers of routes: their messages go out by themselves, those of 0 with the latest call where there is one.
OUTSIDE = -1

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
