"""CLIP and VAE as packs know them, and the loaders of whole files."""
import enum

import _darkroom
from comfy.latent_formats import LatentFormat  # noqa: F401
from darkroom_host import current, lora_patches, native, word_ids
from darkroom_host.absent import absent
from darkroom_host.host_modules import Members, rest
from darkroom_host.objects import Facade
from darkroom_host.weights import name_below, path_of

__getattr__ = rest("comfy.sd")


class CLIPType(enum.Enum):
    STABLE_DIFFUSION = 1
    STABLE_CASCADE = 2
    SD3 = 3
    STABLE_AUDIO = 4
    HUNYUAN_DIT = 5
    FLUX = 6
    MOCHI = 7
    LTXV = 8
    HUNYUAN_VIDEO = 9
    PIXART = 10
    COSMOS = 11
    LUMINA2 = 12
    WAN = 13
    HIDREAM = 14
    CHROMA = 15
    ACE = 16
    OMNIGEN2 = 17
    QWEN_IMAGE = 18
    HUNYUAN_IMAGE = 19
    HUNYUAN_VIDEO_15 = 20
    OVIS = 21
    KANDINSKY5 = 22
    KANDINSKY5_IMAGE = 23
    NEWBIE = 24


class _Weights:
    """The patcher of a CLIP or a VAE: where it is; the worker loads it."""

    def __init__(self, owner):
        from comfy.model_management import get_torch_device, intermediate_device

        self.model = owner
        self.load_device, self.offload_device = get_torch_device(), intermediate_device()
        self.model_options = {"transformer_options": {}}

    def clone(self):
        return self

    def load(self, *_, **__):
        """The worker does when it is used."""

    def current_loaded_device(self):
        return self.load_device

    def __getattr__(self, name):
        if name in Members("comfy.model_patcher.ModelPatcher"):
            return absent(f"comfy.model_patcher.ModelPatcher.{name}")
        raise AttributeError(f"the patcher has no attribute {name!r}")


class CLIP(Facade):
    in_comfy = "comfy.sd.CLIP"
    members = Members("comfy.sd.CLIP")
    tokenizer = absent("comfy.sd.CLIP.tokenizer")

    def __init__(self, *_, **__):
        raise NotImplementedError("comfy.sd.CLIP can't be made from weights in Darkroom: comfy.sd.load_clip() loads a file of the model folders")

    def begin(self):
        self.layer_idx = None
        self.use_clip_schedule = False
        self.apply_hooks_to_conds = None
        self.patcher = _Weights(self)

    def clone(self):
        made = type(self).of(self.capsule)
        made.layer_idx = self.layer_idx
        return made

    def clip_layer(self, layer_idx):
        """Which layer gives the text's encoding from now on: -1 the last one, -2 the one before."""
        self.capsule = native.values("CLIPSetLastLayer", clip=self, stop_at_clip_layer=layer_idx)[0].capsule
        self.layer_idx = layer_idx

    def tokenize(self, text, return_word_ids=False, **kwargs):
        """{encoder: [[(token, weight), ... 77], ...]}; with `return_word_ids` also which part of the text a token belongs to, 0 for none."""
        tokens = _darkroom.clip_tokenize(current.number(), self, text)
        if not return_word_ids:
            return tokens

        def count(part):
            return sum(word_ids.length(chunk) for chunk in next(iter(_darkroom.clip_tokenize(current.number(), self, part).values())))

        return {encoder: word_ids.with_word_ids(chunks, text, count) for encoder, chunks in tokens.items()}

    def encode_from_tokens(self, tokens, return_pooled=False, return_dict=False):
        """[1,T,D]; with `return_pooled` also [1,P], with `return_dict` both as "cond" and "pooled_output"."""
        plain = {encoder: [[tuple(token[:2]) for token in chunk] for chunk in chunks] for encoder, chunks in tokens.items()}
        cond, pooled = _darkroom.clip_encode(current.number(), self, plain)
        if return_dict:
            return {"cond": cond, "pooled_output": pooled}
        return (cond, pooled) if return_pooled else cond

    def encode_from_tokens_scheduled(self, tokens, unprojected=False, add_dict={}, show_pbar=True):
        """A conditioning."""
        cond, pooled = self.encode_from_tokens(tokens, return_pooled=True)
        return [[cond, {"pooled_output": pooled, **add_dict}]]

    def encode(self, text):
        return self.encode_from_tokens(self.tokenize(text))

    def add_patches(self, patches, strength_patch=1.0, strength_model=1.0):
        """What comfy.lora.load_lora() gave; the keys that were used."""
        self.capsule, used = lora_patches.on_clip(self.capsule, patches, strength_patch, strength_model)
        return used

    @property
    def cond_stage_model(self):
        """Its encoders one by one."""
        from comfy.sd1_clip import encoders_of

        return encoders_of(self)

    def load_model(self):
        """The worker loads it when it is used."""
        return self.patcher


class VAE(Facade):
    in_comfy = "comfy.sd.VAE"
    members = Members("comfy.sd.VAE")
    first_stage_model = absent("comfy.sd.VAE.first_stage_model")
    latent_dim = 2
    extra_1d_channel = None
    not_video = True

    def __init__(self, sd=None, device=None, config=None, dtype=None, metadata=None):
        """Of a state dict that comfy.utils.load_torch_file() read."""
        super().__init__(native.values("VAELoader", vae_name=name_below(path_of(sd), "vae")[1])[0].capsule)
        self.begin()

    def begin(self):
        import torch
        from comfy.model_management import get_torch_device, intermediate_device

        info = _darkroom.vae_info(self)
        self.latent_channels, self.output_channels = info["latent_channels"], info["image_channels"]
        self.upscale_ratio = self.downscale_ratio = info["downscale"]
        self.device, self.output_device, self.vae_dtype = get_torch_device(), intermediate_device(), torch.float32
        self.patcher = _Weights(self)

    def throw_exception_if_invalid(self):
        """A native one is whole."""

    def spacial_compression_decode(self):
        """Pixels on a side of a latent's pixel."""
        return self.upscale_ratio

    spacial_compression_encode = spacial_compression_decode

    def temporal_compression_decode(self):
        return None

    def vae_encode_crop_pixels(self, pixels):
        """[B,H,W,C] with sides that the compression divides: cut in the middle."""
        for dim in (1, 2):
            kept = pixels.shape[dim] // self.downscale_ratio * self.downscale_ratio
            pixels = pixels.narrow(dim, (pixels.shape[dim] - kept) // 2, kept)
        return pixels

    def decode(self, samples_in, vae_options={}):
        """[B,C,h,w] to [B,H,W,3], values 0 to 1."""
        return native.values("VAEDecode", samples={"samples": samples_in}, vae=self)[0]

    def encode(self, pixel_samples):
        """[B,H,W,3] to [B,C,h,w]."""
        return native.values("VAEEncode", pixels=pixel_samples[..., :3], vae=self)[0]["samples"]

    def decode_tiled(self, samples, tile_x=None, tile_y=None, overlap=None, tile_t=None, overlap_t=None):
        """As decode(); sides and overlap of tiles in pixels of the latent."""
        sides = [side for side in (tile_x, tile_y) if side is not None]
        tile, overlap = min(sides, default=64), 16 if overlap is None else overlap
        return native.values("VAEDecodeTiled", samples={"samples": samples}, vae=self, tile_size=tile * self.upscale_ratio, overlap=overlap * self.upscale_ratio,
                             temporal_size=64, temporal_overlap=8)[0]

    def encode_tiled(self, pixel_samples, tile_x=None, tile_y=None, overlap=None, tile_t=None, overlap_t=None):
        """As encode(); sides and overlap of tiles in pixels of the picture."""
        sides = [side for side in (tile_x, tile_y) if side is not None]
        made, = native.values("VAEEncodeTiled", pixels=pixel_samples[..., :3], vae=self, tile_size=min(sides, default=512), overlap=64 if overlap is None else overlap,
                              temporal_size=64, temporal_overlap=8)
        return made["samples"]


class StyleModel(Facade):
    in_comfy = "comfy.sd.StyleModel"
    members = Members("comfy.sd.StyleModel")


# ---- loaders: by whole paths of files in the model folders

def load_checkpoint_guess_config(ckpt_path, output_vae=True, output_clip=True, output_clipvision=False, embedding_directory=None, output_model=True, model_options={},
                                 te_model_options={}):
    """(MODEL, CLIP, VAE, CLIP_VISION); None for what was not wanted."""
    name = name_below(ckpt_path, "checkpoints")[1]
    made = list(native.values("unCLIPCheckpointLoader" if output_clipvision else "CheckpointLoaderSimple", ckpt_name=name)) + [None]
    return tuple(one if wanted else None for one, wanted in zip(made, (output_model, output_clip, output_vae, output_clipvision)))


def load_checkpoint(config_path=None, ckpt_path=None, output_vae=True, output_clip=True, embedding_directory=None, state_dict=None, config=None):
    return load_checkpoint_guess_config(ckpt_path, output_vae, output_clip)[:3]


def load_diffusion_model(unet_path, model_options={}):
    return native.values("UNETLoader", unet_name=name_below(unet_path, "diffusion_models")[1], weight_dtype="default")[0]


def load_unet(unet_path, dtype=None):
    return load_diffusion_model(unet_path)


def load_clip(ckpt_paths, embedding_directory=None, clip_type=CLIPType.STABLE_DIFFUSION, model_options={}):
    names = [name_below(path, "text_encoders")[1] for path in ckpt_paths]
    if len(names) == 1:
        return native.values("CLIPLoader", clip_name=names[0], type=clip_type.name.lower())[0]
    return native.values("DualCLIPLoader", clip_name1=names[0], clip_name2=names[1], type="sdxl" if clip_type == CLIPType.STABLE_DIFFUSION else clip_type.name.lower())[0]


def load_diffusion_model_state_dict(sd, model_options={}, metadata=None):
    return load_diffusion_model(path_of(sd))


def load_unet_state_dict(sd, dtype=None):
    return load_diffusion_model(path_of(sd))


def load_state_dict_guess_config(sd, output_vae=True, output_clip=True, output_clipvision=False, embedding_directory=None, output_model=True, model_options={},
                                 te_model_options={}, metadata=None):
    return load_checkpoint_guess_config(path_of(sd), output_vae, output_clip, output_clipvision, output_model=output_model)


def load_text_encoder_state_dicts(state_dicts=[], embedding_directory=None, clip_type=CLIPType.STABLE_DIFFUSION, model_options={}):
    return load_clip([path_of(sd) for sd in state_dicts], clip_type=clip_type)


def load_lora_for_models(model, clip, lora, strength_model, strength_clip):
    """(MODEL, CLIP) with the LoRA; None for what was None."""
    changed = lora_patches.both(model, clip, lora, strength_model, strength_clip)
    made = []
    for before, capsule in zip((model, clip), changed):
        after = None if before is None else before.clone()
        if after is not None:
            after.capsule = capsule
        made.append(after)
    return tuple(made)


def load_style_model(ckpt_path):
    return native.values("StyleModelLoader", style_model_name=name_below(ckpt_path, "style_models")[1])[0]


def load_gligen(ckpt_path):
    return native.values("GLIGENLoader", gligen_name=name_below(ckpt_path, "gligen")[1])[0]
