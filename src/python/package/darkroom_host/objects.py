"""Native objects that have no module of their own in ComfyUI; and what all facades share."""
import weakref

import _darkroom

from . import native
from .absent import absent
from .handles import Handle


_made_here = {}  # address of a native object -> (weak capsule of it, weak reference to what stands for it in Python)
_SWEEP = 256  # so many of them are looked through for those that are gone


def remember(capsule, what):
    """A weak capsule of the native object, for `what` to keep: the native one holds functions of `what`, and would never go if that held it, too."""
    if len(_made_here) >= _SWEEP:
        for key in [key for key, (weak, own) in _made_here.items() if own() is None or _darkroom.strong(weak) is None]:
            del _made_here[key]
    weak = _darkroom.weak(capsule)
    _made_here[_darkroom.object_key(capsule)] = weak, weakref.ref(what)
    return weak


def remembered(capsule):
    """What remember() was told about this native object, when it still lives; else None."""
    weak, own = _made_here.get(_darkroom.object_key(capsule), (None, None))
    # Another object may lie at the address of one that is gone.
    return own() if weak is not None and _darkroom.strong(weak) is not None else None


class Made:
    """The native object that stands for a Python one, made when it is asked for, and anew once nobody else keeps it."""

    def __init__(self):
        self._weak = None

    def get(self, make, what):
        """`make()` gives a capsule."""
        capsule = None if self._weak is None else _darkroom.strong(self._weak)
        if capsule is None:
            capsule = make()
            self._weak = remember(capsule, what)
        return capsule

    def forget(self):
        self._weak = None


class Facade(Handle):
    """A handle with the methods that packs call. Other names that the class has in ComfyUI say so when they are called."""

    in_comfy = ""  # the class that it stands for
    members = frozenset()  # what that has beside what is defined here

    @classmethod
    def of(cls, capsule):
        made = cls.__new__(cls)
        made.capsule = capsule
        made.begin()
        return made

    def begin(self):
        """Attributes of a fresh one."""

    def __getattr__(self, name):
        if name in type(self).members:
            return absent(f"{type(self).in_comfy}.{name}")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


class PackFacade(Facade):
    """Of objects that packs make in Python, too: those come back as what they were."""

    @classmethod
    def of(cls, capsule):
        own = remembered(capsule)
        return super().of(capsule) if own is None else own


class Noise(PackFacade):
    @property
    def seed(self):
        return _darkroom.noise_seed(self)

    def generate_noise(self, input_latent):
        """[B,C,h,w] for a latent: a dict with "samples"."""
        return _darkroom.noise_generate(self, input_latent)


class LatentOperation(Facade):
    def __call__(self, latent, **_):
        return native.values("LatentApplyOperation", samples={"samples": latent}, operation=self)[0]["samples"]


class UpscaleModel(Facade):
    """A network that enlarges pictures, called as a torch module would be."""

    def begin(self):
        self.info = _darkroom.upscaler_info(self)
        self.scale = self.info["scale"]
        self.input_channels = self.output_channels = self.info["in_channels"]

    def __call__(self, image):
        """[B,3,H,W] to [B,3,H*scale,W*scale], values 0 to 1."""
        made, = native.values("ImageUpscaleWithModel", upscale_model=self, image=image.movedim(1, -1))
        return made.movedim(-1, 1).to(image.device)

    def to(self, *_, **__):
        return self

    eval = half = float = cpu = cuda = to

    @property
    def device(self):
        from comfy.model_management import get_torch_device

        return get_torch_device()


def outgoing(value):
    """A value on its way to native nodes: an object with generate_noise() becomes a NOISE."""
    if isinstance(value, Handle) or not callable(getattr(type(value), "generate_noise", None)):
        return value
    capsule = _darkroom.python_noise(value.generate_noise, int(getattr(value, "seed", 0) or 0))
    remember(capsule, value)
    return Handle(capsule)
