"""The networks to be trained, in the shape of Stable Diffusion 1.x and narrow: autoencoder, text encoder, UNet.

Modules carry the names of the published single-file checkpoints below their prefixes (`first_stage_model.`, `cond_stage_model.transformer.`,
`model.diffusion_model.`), so that state dicts are written as they are. Two things differ, and Darkroom reads both from the file: the text is
narrower than 768, and the table of tokens has rows only for those that occur (`text_model.embeddings.token_rows` says which).
"""
import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

GROUPS = 32


@dataclass(frozen=True)
class Shape:
    vae: tuple = (32, 32, 64, 96)    # of the encoder's levels, in full size first
    # Of the decoder's. What comes last is wider: its norm looks at 32 groups of channels, and of groups of one nothing is left that tells a picture's colour.
    up: tuple = (64, 32, 64, 96)
    up_blocks: tuple = (1, 1, 2, 1)
    unet: tuple = (64, 128, 160)      # of the UNet's levels
    looks: tuple = (False, True, True)  # at the text, for each level
    text: int = 192                   # width of the text
    layers: int = 2                   # of the text encoder
    rows: int = 0                     # of the table of tokens


def norm(channels, eps=1e-6):
    return nn.GroupNorm(GROUPS, channels, eps)


def conv(before, after, side=3, stride=1):
    return nn.Conv2d(before, after, side, stride, side // 2)


# ---- autoencoder

class VaeResidual(nn.Module):
    def __init__(self, before, after):
        super().__init__()
        self.norm1, self.conv1, self.norm2, self.conv2 = norm(before), conv(before, after), norm(after), conv(after, after)
        if before != after:
            self.nin_shortcut = conv(before, after, 1)

    def forward(self, x):
        y = self.conv2(F.silu(self.norm2(self.conv1(F.silu(self.norm1(x))))))
        return y + (self.nin_shortcut(x) if hasattr(self, "nin_shortcut") else x)


class VaeAttention(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.norm = norm(channels)
        self.q, self.k, self.v, self.proj_out = (conv(channels, channels, 1) for _ in range(4))

    def forward(self, x):
        y = self.norm(x)
        flat = lambda layer: layer(y).flatten(2).transpose(1, 2).unsqueeze(1)
        mixed = F.scaled_dot_product_attention(flat(self.q), flat(self.k), flat(self.v))
        return x + self.proj_out(mixed.squeeze(1).transpose(1, 2).reshape(x.shape))


class VaeMiddle(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.block_1, self.attn_1, self.block_2 = VaeResidual(channels, channels), VaeAttention(channels), VaeResidual(channels, channels)

    def forward(self, x):
        return self.block_2(self.attn_1(self.block_1(x)))


class Resample(nn.Module):
    def __init__(self, channels, down):
        super().__init__()
        self.down = down
        self.conv = nn.Conv2d(channels, channels, 3, 2 if down else 1, 0 if down else 1)

    def forward(self, x):
        return self.conv(F.pad(x, (0, 1, 0, 1)) if self.down else F.interpolate(x, scale_factor=2.0))


class VaeLevel(nn.Module):
    def __init__(self, before, after, blocks, down=False, up=False):
        super().__init__()
        self.block = nn.ModuleList(VaeResidual(before if i == 0 else after, after) for i in range(blocks))
        if down:
            self.downsample = Resample(after, True)
        if up:
            self.upsample = Resample(after, False)

    def forward(self, x):
        for block in self.block:
            x = block(x)
        for name in ("downsample", "upsample"):
            if hasattr(self, name):
                x = getattr(self, name)(x)
        return x


class VaeEncoder(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.conv_in = conv(3, c[0])
        self.down = nn.ModuleList(VaeLevel(c[max(0, i - 1)], c[i], 1, down=i + 1 < len(c)) for i in range(len(c)))
        self.mid, self.norm_out, self.conv_out = VaeMiddle(c[-1]), norm(c[-1]), conv(c[-1], 8)

    def forward(self, x):
        x = self.conv_in(x)
        for level in self.down:
            x = level(x)
        return self.conv_out(F.silu(self.norm_out(self.mid(x))))


class VaeDecoder(nn.Module):
    def __init__(self, c, blocks):
        super().__init__()
        self.conv_in, self.mid = conv(4, c[-1]), VaeMiddle(c[-1])
        self.up = nn.ModuleList(VaeLevel(c[min(len(c) - 1, i + 1)], c[i], blocks[i], up=i > 0) for i in range(len(c)))
        self.norm_out, self.conv_out = norm(c[0]), conv(c[0], 3)

    def forward(self, z):
        x = self.mid(self.conv_in(z))
        for level in reversed(self.up):
            x = level(x)
        return self.conv_out(F.silu(self.norm_out(x)))


class Vae(nn.Module):
    """Pictures [B,3,8h,8w] in -1..1, latents [B,4,h,w]."""

    def __init__(self, shape):
        super().__init__()
        self.encoder, self.decoder = VaeEncoder(shape.vae), VaeDecoder(shape.up, shape.up_blocks)
        self.quant_conv, self.post_quant_conv = conv(8, 8, 1), conv(4, 4, 1)

    def moments(self, pictures):
        """Means and logarithms of variances."""
        return self.quant_conv(self.encoder(pictures)).chunk(2, 1)

    def decode(self, latents):
        return self.decoder(self.post_quant_conv(latents))


# ---- text encoder

class TextAttention(nn.Module):
    HEAD = 64

    def __init__(self, width):
        super().__init__()
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x):
        heads = lambda layer: layer(x).unflatten(2, (-1, self.HEAD)).transpose(1, 2)
        mixed = F.scaled_dot_product_attention(heads(self.q_proj), heads(self.k_proj), heads(self.v_proj), is_causal=True)
        return self.out_proj(mixed.transpose(1, 2).flatten(2))


class Mlp(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        y = self.fc1(x)
        return self.fc2(y * torch.sigmoid(1.702 * y))


class TextLayer(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layer_norm1, self.self_attn, self.layer_norm2, self.mlp = nn.LayerNorm(width), TextAttention(width), nn.LayerNorm(width), Mlp(width)

    def forward(self, x):
        x = x + self.self_attn(self.layer_norm1(x))
        return x + self.mlp(self.layer_norm2(x))


class TextEmbeddings(nn.Module):
    def __init__(self, rows, width):
        super().__init__()
        self.token_embedding, self.position_embedding = nn.Embedding(rows, width), nn.Embedding(77, width)

    def forward(self, rows):
        return self.token_embedding(rows) + self.position_embedding.weight[:rows.shape[1]]


class TextModel(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.embeddings = TextEmbeddings(shape.rows, shape.text)
        self.encoder = nn.ModuleDict({"layers": nn.ModuleList(TextLayer(shape.text) for _ in range(shape.layers))})
        self.final_layer_norm = nn.LayerNorm(shape.text)


class Text(nn.Module):
    """Rows of the table [B,77] -> text [B,77,width]."""

    def __init__(self, shape):
        super().__init__()
        self.text_model = TextModel(shape)

    def forward(self, rows):
        x = self.text_model.embeddings(rows)
        for layer in self.text_model.encoder["layers"]:
            x = layer(x)
        return self.text_model.final_layer_norm(x)


# ---- UNet

class Residual(nn.Module):
    def __init__(self, before, after, embedded):
        super().__init__()
        self.in_layers = nn.Sequential(norm(before, 1e-5), nn.SiLU(), conv(before, after))
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(embedded, after))
        self.out_layers = nn.Sequential(norm(after, 1e-5), nn.SiLU(), nn.Identity(), conv(after, after))
        self.skip_connection = conv(before, after, 1) if before != after else nn.Identity()

    def forward(self, x, embedding, text):
        y = self.in_layers(x) + self.emb_layers(embedding)[:, :, None, None]
        return self.skip_connection(x) + self.out_layers(y)


class CrossAttention(nn.Module):
    HEADS = 8  # of SD1.x, whatever the width

    def __init__(self, width, looked_at):
        super().__init__()
        self.to_q, self.to_k, self.to_v = nn.Linear(width, width, False), nn.Linear(looked_at, width, False), nn.Linear(looked_at, width, False)
        self.to_out = nn.Sequential(nn.Linear(width, width), nn.Identity())

    def forward(self, x, text):
        """x [B,N,width]; text [B,T,looked_at], or [B/k,T,looked_at] where k pictures after each other look at the same text."""
        heads = lambda layer, y: layer(y).unflatten(2, (self.HEADS, -1)).transpose(1, 2)
        together = x.reshape(len(text), -1, x.shape[2])
        mixed = F.scaled_dot_product_attention(heads(self.to_q, together), heads(self.to_k, text), heads(self.to_v, text))
        return self.to_out(mixed.transpose(1, 2).flatten(2)).reshape(x.shape)


class Geglu(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.proj = nn.Linear(width, 8 * width)

    def forward(self, x):
        value, gate = self.proj(x).chunk(2, -1)
        return value * F.gelu(gate)


class FeedForward(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.net = nn.Sequential(Geglu(width), nn.Identity(), nn.Linear(4 * width, width))

    def forward(self, x):
        return self.net(x)


class TransformerBlock(nn.Module):
    def __init__(self, width, text):
        super().__init__()
        self.norm1, self.attn1 = nn.LayerNorm(width), CrossAttention(width, width)
        self.norm2, self.attn2 = nn.LayerNorm(width), CrossAttention(width, text)
        self.norm3, self.ff = nn.LayerNorm(width), FeedForward(width)

    def forward(self, x, text):
        y = self.norm1(x)
        x = x + self.attn1(y, y)
        x = x + self.attn2(self.norm2(x), text)
        return x + self.ff(self.norm3(x))


class Transformer(nn.Module):
    def __init__(self, width, text):
        super().__init__()
        self.norm, self.proj_in, self.proj_out = norm(width), conv(width, width, 1), conv(width, width, 1)
        self.transformer_blocks = nn.ModuleList([TransformerBlock(width, text)])

    def forward(self, x, embedding, text):
        y = self.proj_in(self.norm(x)).flatten(2).transpose(1, 2)
        for block in self.transformer_blocks:
            y = block(y, text)
        return x + self.proj_out(y.transpose(1, 2).reshape(x.shape))


class Entry(nn.Conv2d):
    def forward(self, x, embedding, text):
        return super().forward(x)


class Down(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.op = conv(width, width, stride=2)

    def forward(self, x, embedding, text):
        return self.op(x)


class Up(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv = conv(width, width)

    def forward(self, x, embedding, text):
        return self.conv(F.interpolate(x, scale_factor=2.0))


class Layers(nn.Sequential):
    def forward(self, x, embedding, text):
        for layer in self:
            x = layer(x, embedding, text)
        return x


def of_time(t, channels):
    """[B] -> [B,channels]: cosines, then sines."""
    angles = t.float()[:, None] * torch.exp(-math.log(10000) * torch.arange(channels // 2) / (channels // 2))
    return torch.cat([angles.cos(), angles.sin()], 1)


class UNet(nn.Module):
    """Latents [B,4,h,w] in units of the sampler, timesteps [B] in 0..999, text [B,T,width] -> the noise in them."""

    def __init__(self, shape):
        super().__init__()
        c, embedded = shape.unet, 4 * shape.unet[0]
        self.time_embed = nn.Sequential(nn.Linear(c[0], embedded), nn.SiLU(), nn.Linear(embedded, embedded))
        block = lambda before, level: [Residual(before, c[level], embedded)] + ([Transformer(c[level], shape.text)] if shape.looks[level] else [])
        self.input_blocks, kept = nn.ModuleList([Layers(Entry(4, c[0], 3, padding=1))]), [c[0]]
        for level in range(len(c)):
            self.input_blocks.append(Layers(*block(kept[-1], level)))
            kept.append(c[level])
            if level + 1 < len(c):
                self.input_blocks.append(Layers(Down(c[level])))
                kept.append(c[level])
        self.middle_block = Layers(*block(c[-1], len(c) - 1), Residual(c[-1], c[-1], embedded))
        self.output_blocks, width = nn.ModuleList(), c[-1]
        for level in reversed(range(len(c))):
            for i in range(2):
                self.output_blocks.append(Layers(*block(width + kept.pop(), level), *([Up(c[level])] if i == 1 and level > 0 else [])))
                width = c[level]
        self.out = nn.Sequential(norm(c[0], 1e-5), nn.SiLU(), conv(c[0], 4))
        with torch.no_grad():  # what is added at the end of a block begins as nothing
            for module in self.modules():
                if isinstance(module, Residual):
                    module.out_layers[3].weight.zero_()
                if isinstance(module, Transformer):
                    module.proj_out.weight.zero_()
            self.out[2].weight.zero_()

    def forward(self, x, t, text):
        embedding = self.time_embed(of_time(t, self.time_embed[0].in_features))
        kept = []
        for block in self.input_blocks:
            x = block(x, embedding, text)
            kept.append(x)
        x = self.middle_block(x, embedding, text)
        for block in self.output_blocks:
            x = block(torch.cat([x, kept.pop()], 1), embedding, text)
        return self.out(x)
