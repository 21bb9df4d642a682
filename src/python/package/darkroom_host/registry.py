"""NODE_CLASS_MAPPINGS as packs see it: the native classes and those of all packs."""
from . import native


class Registry(dict):
    """A dict that is filled with the native entries when it is first read; what packs have put in by then stays. `make(node class)` gives an entry."""

    def __init__(self, make):
        super().__init__()
        self._make = make
        self._is_filled = False

    def _filled(self):
        if not self._is_filled:
            self._is_filled = True
            own = dict(dict.items(self))
            dict.clear(self)
            dict.update(self, {name: self._make(name) for name in native.wires()})
            dict.update(self, own)
        return super()


def _reading(name):
    def method(self, *args, **kwargs):
        return getattr(self._filled(), name)(*args, **kwargs)

    method.__name__ = name
    return method


for _name in ("__getitem__", "__contains__", "__iter__", "__len__", "__eq__", "__or__", "__ior__", "__delitem__", "__reversed__", "__repr__",
              "get", "keys", "values", "items", "copy", "pop", "popitem", "setdefault", "clear"):
    setattr(Registry, _name, _reading(_name))


def node_classes():
    return Registry(native.build)


def display_names():
    return Registry(lambda name: native.wires()[name].get("display_name") or name)
