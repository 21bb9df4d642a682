"""PromptServer.instance.prompt_queue: what packs look at. The gateway holds the queue, and its routes change it."""
import json
import threading

import _darkroom

from .absent import absent
from .host_modules import Members


class PromptQueue:
    """Entries are [number, prompt id, prompt, extra data, ids of output nodes], as GET /queue has them."""

    def __init__(self):
        self.mutex = threading.RLock()

    def _told(self):
        return json.loads(_darkroom.queue())

    def get_current_queue(self):
        """(those that run, those that wait)"""
        told = self._told()
        return told["queue_running"], told["queue_pending"]

    get_current_queue_volatile = get_current_queue

    def get_tasks_remaining(self):
        return sum(len(part) for part in self.get_current_queue())

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
