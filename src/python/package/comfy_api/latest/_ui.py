"""Results for people."""


class _UIOutput:
    def as_dict(self):
        raise NotImplementedError(type(self).__name__)


class PreviewText(_UIOutput):
    def __init__(self, value, **_):
        self.value = value

    def as_dict(self):
        return {"text": [self.value]}


class SavedResult(dict):
    """One file: where /view finds it."""

    def __init__(self, filename, subfolder, type):
        super().__init__(filename=filename, subfolder=subfolder, type=getattr(type, "value", type))


class SavedImages(_UIOutput):
    def __init__(self, results, is_animated=False):
        self.results, self.is_animated = results, is_animated

    def as_dict(self):
        return {"images": list(self.results), **({"animated": [True]} if self.is_animated else {})}


def __getattr__(name):
    """Importable, and says its name when it is called."""
    if name.startswith("_"):
        raise AttributeError(name)

    def missing(*_, **__):
        raise NotImplementedError(f"comfy_api.latest.ui.{name} is not there yet")

    return missing
