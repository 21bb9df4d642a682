"""Rough pictures of latents while a sampler runs. Runs of native samplers show their own; these are for loops of packs."""
import comfy.utils
from comfy.cli_args import LatentPreviewMethod, args
from darkroom_host.host_modules import rest

MAX_PREVIEW_RESOLUTION = args.preview_size

__getattr__ = rest("latent_preview")


def preview_to_image(latent_image, do_scale=True):
    """A PIL image of [H,W,3], values -1 to 1 (0 to 1 without `do_scale`)."""
    from PIL import Image

    shown = (latent_image + 1.0) / 2.0 if do_scale else latent_image
    return Image.fromarray((shown.clamp(0, 1) * 255).to("cpu").byte().numpy())


class LatentPreviewer:
    def decode_latent_to_preview(self, x0):
        raise NotImplementedError(f"{type(self).__name__}.decode_latent_to_preview")

    def decode_latent_to_preview_image(self, preview_format, x0):
        """(format, PIL image, longest side) as ProgressBar takes it."""
        return "JPEG", self.decode_latent_to_preview(x0), MAX_PREVIEW_RESOLUTION


class Latent2RGBPreviewer(LatentPreviewer):
    """A row of colours for each channel of a latent [B,C,h,w]."""

    def __init__(self, latent_rgb_factors, latent_rgb_factors_bias=None, latent_rgb_factors_reshape=None):
        import torch

        self.latent_rgb_factors = torch.tensor(latent_rgb_factors, device="cpu").transpose(0, 1)
        self.latent_rgb_factors_bias = None if latent_rgb_factors_bias is None else torch.tensor(latent_rgb_factors_bias, device="cpu")

    def decode_latent_to_preview(self, x0):
        import torch

        first = x0[0, :, 0] if x0.ndim == 5 else x0[0]
        factors = self.latent_rgb_factors.to(first)
        bias = None if self.latent_rgb_factors_bias is None else self.latent_rgb_factors_bias.to(first)
        return preview_to_image(torch.nn.functional.linear(first.movedim(0, -1), factors, bias))


def get_previewer(device, latent_format):
    """None where previews are off."""
    if args.preview_method == LatentPreviewMethod.NoPreviews or latent_format.latent_rgb_factors is None:
        return None
    return Latent2RGBPreviewer(latent_format.latent_rgb_factors, latent_format.latent_rgb_factors_bias, latent_format.latent_rgb_factors_reshape)


def prepare_callback(model, steps, x0_output_dict=None):
    """callback(step, denoised, x, steps): progress of the node, with a picture where previews are on. The last denoised latent goes to `x0_output_dict["x0"]`."""
    bar = comfy.utils.ProgressBar(steps)
    previewer = get_previewer(model.load_device, model.model.latent_format)

    def callback(step, x0, x, total_steps):
        if x0_output_dict is not None:
            x0_output_dict["x0"] = x0
        shown = previewer.decode_latent_to_preview_image("JPEG", x0) if previewer else None
        bar.update_absolute(step + 1, total_steps, shown)

    return callback


def set_preview_method(override=None):
    method = LatentPreviewMethod.from_string(override) if override else None
    if method is not None:
        args.preview_method = method
