"""PromptServer.instance.prompt_queue: what packs look at. The gateway holds the queue, and its routes change it."""
import json
import threading

import _darkroom

from . import current
from .absent import absent
from .host_modules import Members


class PromptQueue:
    """Entries are [number, prompt id, prompt, extra data, ids of output nodes], as GET /queue has them."""

    def __init__(self):
        self.mutex = threading.RLock()

    def _told(self):
        return json.loads(_darkroom.queue(current.number()))

    def get_current_queue(self):
        """(those that run, those that wait)"""
        told = self._told()
        return told["queue_running"], told["queue_pending"]

    get_current_queue_volatile = get_current_queue

    def get_tasks_remaining(self):
        return sum(len(part) for part in self.get_current_queue())

    def get_history(self, prompt_id=None, max_items=None, offset=-1, map_function=None):
        """{prompt id: entry}, the oldest first: all, or the entry of one prompt."""
        told = json.loads(_darkroom.history(current.number(), prompt_id or ""))
        names = list(told)
        if prompt_id is None and max_items is not None:
            begin = offset if offset >= 0 else max(0, len(names) - max_items)
            names = names[begin:begin + max_items]
        return {name: told[name] if map_function is None else map_function(told[name]) for name in names}

    @property
    def queue(self):
        return self._told()["queue_pending"]

    @property
    def currently_running(self):
        return dict(enumerate(self._told()["queue_running"]))

    def __getattr__(self, name):
        if name in Members("execution.PromptQueue"):
            return absent(f"execution.PromptQueue.{name}")
        raise AttributeError(f"'PromptQueue' object has no attribute {name!r}")
