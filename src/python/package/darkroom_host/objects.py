"""Native objects that have no module of their own in ComfyUI; and what all facades share."""
import _darkroom

from . import native
from .absent import absent
from .handles import Handle


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


class Noise(Facade):
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


def native_noise(noise):
    """A NOISE of a pack (an object with generate_noise() and seed) for native nodes."""
    return noise if isinstance(noise, Handle) else Noise.of(_darkroom.python_noise(noise.generate_noise, int(getattr(noise, "seed", 0) or 0)))

