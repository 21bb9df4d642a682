"""The packs' asyncio loop, on a thread of its own."""
import asyncio
import inspect
import threading

import _darkroom

_loop = asyncio.new_event_loop()


def start():
    threading.Thread(target=_run, name="packs", daemon=True).start()


def _run():
    _darkroom.without_gradients()
    _loop.run_forever()


def get():
    return _loop


def begin(coroutine):
    return asyncio.run_coroutine_threadsafe(coroutine, _loop)


def resolved(result):
    """The result of a function that may be asynchronous."""
    return wait_for(_awaited(result)) if inspect.isawaitable(result) else result


async def _awaited(awaitable):
    return await awaitable


def wait_for(coroutine, seconds=60):
    """Its result, from another thread."""
    return begin(coroutine).result(seconds)
