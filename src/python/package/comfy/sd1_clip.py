"""The encoders inside a CLIP, one by one, and the empty text that they measure against."""
from darkroom_host.absent import absent
from darkroom_host.host_modules import rest

_WIDTH = 768  # of the encoder "l"

__getattr__ = rest("comfy.sd1_clip")


def gen_empty_tokens(special_tokens, length):
    """The tokens of an empty text."""
    start, end, pad = special_tokens.get("start"), special_tokens.get("end"), special_tokens.get("pad")
    tokens = [one for one in (start, end) if one is not None]
    return tokens + [pad] * (length - len(tokens))


def escape_important(text):
    return text.replace("\\)", "\0\1").replace("\\(", "\0\2")


def unescape_important(text):
    return text.replace("\0\1", ")").replace("\0\2", "(")


class Encoder:
    """One encoder of a CLIP: encode_token_weights() as SDClipModel has it."""

    def __init__(self, clip, name):
        self._clip, self._name = clip, name

    def encode_token_weights(self, token_weight_pairs):
        """([1,T,D], pooled [1,P] or None) of this encoder alone."""
        others = {name: chunks for name, chunks in self._clip.tokenize("").items() if name != self._name}
        tokens = {self._name: token_weight_pairs, **{name: chunks * len(token_weight_pairs) for name, chunks in others.items()}}
        cond, pooled = self._clip.encode_from_tokens(tokens, return_pooled=True)
        if not others:
            return cond, pooled
        return (cond[..., :_WIDTH], None) if self._name == "l" else (cond[..., _WIDTH:], pooled)


class SD1ClipModel:
    """The encoders of a CLIP by their names: clip_l, clip_g, clip_h."""

    def __init__(self, clip):
        self._clip = clip
        for name in clip.tokenize(""):
            setattr(self, f"clip_{name}", Encoder(clip, name))

    def reset_clip_options(self):
        """Options last for one call here."""

    def set_clip_options(self, options):
        """The layer is the CLIP's own, and the worker chooses the device."""

    def encode_token_weights(self, token_weight_pairs):
        return self._clip.encode_from_tokens(token_weight_pairs, return_pooled=True)

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return absent(f"comfy.sd1_clip.SD1ClipModel.{name}")


def encoders_of(clip):
    from comfy.sdxl_clip import SDXLClipModel, SDXLRefinerClipModel

    names = set(clip.tokenize(""))
    return (SDXLClipModel if names == {"l", "g"} else SDXLRefinerClipModel if names == {"g"} else SD1ClipModel)(clip)
