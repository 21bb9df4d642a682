"""The functions that SurfaceCheck runs, by name."""
CHECKS = {}


def check(function):
    CHECKS[function.__name__] = function
    return function


def difference(a, b):
    """The largest one, beside the largest value."""
    return float((a - b).abs().max() / b.abs().max().clamp(min=1e-9)) if a.shape == b.shape else f"{tuple(a.shape)} beside {tuple(b.shape)}"


class Scene:
    """The small model of the golden cases, two texts and an empty latent, by native classes."""

    def __init__(self, width=64, height=64):
        import nodes

        self.model, self.clip, self.vae = nodes.CheckpointLoaderSimple().load_checkpoint("tiny_sd15.safetensors")
        self.positive, = nodes.CLIPTextEncode().encode(self.clip, "a photo of a cat")
        self.negative, = nodes.CLIPTextEncode().encode(self.clip, text="blurry")
        self.latent, = nodes.EmptyLatentImage().generate(width, height)

    def sampled(self, model=None, positive=None, sampler="euler", steps=2, cfg=4.0):
        import nodes

        made, = nodes.KSampler().sample(model or self.model, 7, steps, cfg, sampler, "normal", positive or self.positive, self.negative, self.latent)
        return made["samples"]


def message(function):
    """What it fails with."""
    try:
        function()
    except Exception as error:  # noqa: BLE001
        return f"{type(error).__name__}: {error}"
    return None
