"""Forks of the worker that packs make: they end with it, and never come back out of the pack's code."""
import ctypes
import os
import signal

_PR_SET_PDEATHSIG = 1
_worker = os.getpid()


def watch():
    os.register_at_fork(after_in_child=_in_child)


def _in_child():
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def end_if_child():
    """After a pack's code: a child that gets here was to do something and end, and there is nothing for it in the worker."""
    if os.getpid() != _worker:
        os._exit(0)
