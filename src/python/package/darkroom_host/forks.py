"""Forks of the worker that packs make: they end with it, and never come back out of the pack's code."""
import fcntl
import os
import select
import signal

_F_SETSIG = 10  # of Linux; Python has no name for it
_worker = os.getpid()
# Nothing is ever written. The worker alone keeps the writing half, so that the reading one is at its end when the worker is at its own.
_end, _kept = os.pipe()
_watched = -1


def watch():
    os.register_at_fork(after_in_child=_in_child)


def _in_child():
    """The kernel kills the child when the pipe ends: it needs no thread for that, and no program that it becomes is concerned. PR_SET_PDEATHSIG
    would not do: it comes when the thread ends that forked."""
    global _kept, _watched
    for descriptor in (_kept, _watched):
        if descriptor >= 0:
            os.close(descriptor)
    _kept = -1
    # Opened anew, not inherited: whom a signal goes to is a property of the opened file.
    _watched = os.open(f"/proc/self/fd/{_end}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.fcntl(_watched, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(_watched, _F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(_watched, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
    poll = select.poll()
    poll.register(_watched, 0)
    if poll.poll(0):  # before it was watched
        os._exit(0)


def end_if_child():
    """After a pack's code: a child that gets here was to do something and end, and there is nothing for it in the worker."""
    if os.getpid() != _worker:
        os._exit(0)
