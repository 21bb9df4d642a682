"""Native objects in Python: what a MODEL, a CLIP or a SAMPLER is to packs.  The classes themselves are in comfy.*; each says here which
kind of object it stands for."""
_makers = {}


class Handle:
    """Holds a native object; goes back into native nodes as it came."""

    def __init__(self, capsule):
        self.capsule = capsule


def register(kind, make_handle):
    """From now on objects of this kind are `make_handle(capsule)`."""
    _makers[kind] = make_handle


def make(kind, capsule):
    return _makers.get(kind, Handle)(capsule)
