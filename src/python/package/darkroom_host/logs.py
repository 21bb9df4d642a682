"""The `logging` of packs, in the worker's log."""
import logging

import _darkroom


class _Handler(logging.Handler):
    def emit(self, record):
        level = "DEBUG" if record.levelno < logging.INFO else "INFO" if record.levelno < logging.WARNING else "WARNING" if record.levelno < logging.ERROR else "ERROR"
        try:
            _darkroom.log(level, self.format(record))
        except Exception:  # noqa: BLE001 - a line of a log ends nothing
            self.handleError(record)


def connect_logging():
    root = logging.getLogger()
    root.handlers[:] = [_Handler()]
    root.setLevel(logging.INFO)
