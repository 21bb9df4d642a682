"""What ComfyUI has and Darkroom does not: names that can be imported, derived from, patched and asked about, and that say so when they are called."""
import abc


class AbsentType(abc.ABCMeta):
    """An absent name is a class, whatever it is in ComfyUI, so that it can stand in annotations and among bases."""

    def __call__(cls, *args, **kwargs):
        own = "" if "absent" in cls.__dict__ else f": {cls.__name__} can't be used"
        raise NotImplementedError(f"{cls.absent} is not there in Darkroom{own}")

    def __bool__(cls):
        return True

    def __getattr__(cls, name):
        # A class of a pack that derives from an absent one has its own attributes and no others: the host looks for IS_CHANGED and the like.
        if name.startswith("__") or name.startswith("_abc_") or "absent" not in cls.__dict__:
            raise AttributeError(f"type object {cls.__name__!r} has no attribute {name!r}")
        made = absent(f"{cls.absent}.{name}")
        setattr(cls, name, made)
        return made

    def __repr__(cls):
        return f"<absent {cls.absent}>" if "absent" in cls.__dict__ else super().__repr__()


class Absent(metaclass=AbsentType):
    absent = "this"

    def __class_getitem__(cls, item):
        return cls


made = []  # the whole names of all that was asked for


def absent(path):
    """`path`: its whole name, as the message has it."""
    made.append(path)
    return AbsentType(path.rsplit(".", 1)[-1], (Absent,), {"absent": path, "__module__": path.rsplit(".", 1)[0]})


def _refused(self, *_):
    raise NotImplementedError(f"{self.absent} is not there in Darkroom")


for _name in ("iter", "len", "contains", "add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "neg", "lt", "le", "gt", "ge", "int", "float", "index", "enter", "exit",
              "radd", "rsub", "rmul", "rtruediv", "rfloordiv"):
    setattr(AbsentType, f"__{_name}__", _refused)
