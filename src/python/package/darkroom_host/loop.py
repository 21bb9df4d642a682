"""The packs' asyncio loop, on a thread of its own."""
import asyncio
import threading

_loop = asyncio.new_event_loop()


def start():
    threading.Thread(target=_loop.run_forever, name="packs", daemon=True).start()


def begin(coroutine):
    return asyncio.run_coroutine_threadsafe(coroutine, _loop)


def wait_for(coroutine, seconds=60):
    """Its result, from another thread."""
    return begin(coroutine).result(seconds)
