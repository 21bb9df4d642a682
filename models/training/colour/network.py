"""DDColor (Kang et al. 2023) to be trained: ConvNeXt encoder, pixel decoder, colour decoder, refining convolution.

The modules carry the names of the published checkpoints, so that a state dict needs nothing but `export.py` to become a file that
Darkroom's loader reads. Some things differ from the published network, and none in what it computes once it is exported:

- Convolutions that have a spectral norm there have plain weights here; `export.py` writes vectors whose product makes the norm one.
- The refining convolution gives a and b in steps of UNIT; `export.py` multiplies its weights.
- It meets the colours before they meet the last map, as in Darkroom itself: two vectors instead of all queries.

`head` guesses classes of colours for the training's second loss and is left out of the file.
"""
import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

HEADS = 8    # of every attention: the one size that no tensor tells
UNIT = 20.0  # of Lab's a and b, of what the last convolution gives here: numbers near one are learnt quickly


@dataclass(frozen=True)
class Shape:
    depths: tuple = (2, 2, 4, 2)            # blocks of the encoder's stages
    channels: tuple = (64, 128, 256, 384)   # of the encoder's stages, at strides 4, 8, 16, 32
    maps: tuple = (192, 160, 96)            # of the pixel decoder's maps, at strides 16, 8, 4
    last: int = 48                          # of the last map, in full size
    hidden: int = 128                       # of the colour decoder
    feed: int = 512
    queries: int = 64
    layers: int = 6
    classes: int = 0                        # of colours, for the training only


class ChannelNorm(nn.LayerNorm):
    """LayerNorm over the channels of [B,C,H,W]."""

    def __init__(self, channels):
        super().__init__(channels, eps=1e-6)

    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Block(nn.Module):
    def __init__(self, channels, drop):
        super().__init__()
        self.drop = drop
        self.dwconv = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm = nn.LayerNorm(channels, eps=1e-6)
        self.pwconv1, self.pwconv2 = nn.Linear(channels, 4 * channels), nn.Linear(4 * channels, channels)
        self.gamma = nn.Parameter(torch.full((channels,), 0.2))

    def forward(self, x):
        y = self.norm(self.dwconv(x).permute(0, 2, 3, 1))
        y = (self.gamma * self.pwconv2(F.gelu(self.pwconv1(y)))).permute(0, 3, 1, 2)
        if self.training and self.drop > 0:  # stochastic depth: whole pictures go past the block
            y = y * (torch.rand(len(x), 1, 1, 1) >= self.drop) / (1 - self.drop)
        return x + y


class ConvNext(nn.Module):
    def __init__(self, shape, drop):
        super().__init__()
        c = shape.channels
        self.downsample_layers = nn.ModuleList([nn.Sequential(nn.Conv2d(3, c[0], 4, stride=4), ChannelNorm(c[0]))])
        for i in range(3):
            self.downsample_layers.append(nn.Sequential(ChannelNorm(c[i]), nn.Conv2d(c[i], c[i + 1], 2, stride=2)))
        rates = iter(torch.linspace(0, drop, sum(shape.depths)).tolist())
        self.stages = nn.ModuleList(nn.Sequential(*(Block(n, next(rates)) for _ in range(d))) for n, d in zip(c, shape.depths))
        for i, n in enumerate(c):
            self.add_module(f"norm{i}", ChannelNorm(n))
        self.norm = nn.LayerNorm(c[3], eps=1e-6)  # every file has it; nobody reads what it gives

    def forward(self, x):
        """[B,3,S,S] -> the four stages' maps, each normalised; the next stage takes what is not."""
        maps = []
        for i in range(4):
            x = self.stages[i](self.downsample_layers[i](x))
            maps.append(getattr(self, f"norm{i}")(x))
        return maps


def blur(x):
    """Mean over a pixel and its neighbours to the left and above; the edge is repeated."""
    return F.avg_pool2d(F.pad(x, (1, 0, 1, 0), mode="replicate"), 2, stride=1)


def pointwise(conv, x):
    """A 1x1 convolution as a product of matrices, which is faster on a CPU: [B,C,H,W] -> [B,H,W,C']."""
    return F.linear(x.permute(0, 2, 3, 1), conv.weight[:, :, 0, 0], conv.bias)


class Enlarge(nn.Module):
    def __init__(self, before, after):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(before, 4 * after, 1, bias=False), nn.BatchNorm2d(4 * after))

    def forward(self, x):
        return blur(F.pixel_shuffle(F.relu(self.conv[1](pointwise(self.conv[0], x).permute(0, 3, 1, 2))), 2))


class PixelBlock(nn.Module):
    def __init__(self, before, side, after):
        super().__init__()
        self.shuf, self.bn = Enlarge(before, after), nn.BatchNorm2d(side)
        self.conv = nn.Sequential(nn.Conv2d(after + side, after, 3, padding=1, bias=False), nn.ReLU(), nn.BatchNorm2d(after))

    def forward(self, x, side):
        return self.conv(F.relu(torch.cat([self.shuf(x), self.bn(side)], 1)))


class LastShuffle(nn.Module):
    """The last map, four times as large, times some vectors: [B,C',h,w] and [B,K,C] -> [B,K,4h,4w], float32."""

    def __init__(self, before, after):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(before, 16 * after, 1))

    def forward(self, x, vectors):
        by_place = lambda t: t.unflatten(0, (-1, 16)).transpose(0, 1).flatten(0, 1)  # the file's rows go channel by channel
        conv = self.conv[0]
        y = F.relu(F.linear(x.permute(0, 2, 3, 1), by_place(conv.weight[:, :, 0, 0]), by_place(conv.bias)))
        b, h, w, _ = y.shape
        planes = y.reshape(b, h * w * 16, -1) @ vectors.to(y.dtype).transpose(1, 2)
        planes = planes.float().view(b, h, w, 4, 4, -1).permute(0, 5, 1, 3, 2, 4).reshape(b, -1, 4 * h, 4 * w)
        # The blur takes each channel alone, so it may come after the product.
        return blur(planes)


def positions(height, width, channels):
    """[height * width, channels]: sines and cosines in turn; the first half of the channels of y, the second of x."""
    n = channels // 2
    t = 10000.0 ** (2 * (torch.arange(n) // 2) / n)

    def along(size):
        angle = (torch.arange(1, size + 1) / (size + 1e-6) * (2 * math.pi))[:, None] / t
        return torch.stack([angle[:, 0::2].sin(), angle[:, 1::2].cos()], 2).flatten(1)

    y, x = along(height), along(width)
    return torch.cat([y[:, None].expand(height, width, n), x[None].expand(height, width, n)], 2).flatten(0, 1)


class Attention(nn.Module):
    """A decoder layer's attention with its norm behind; the attention's name differs between the two kinds."""

    def __init__(self, channels, name):
        super().__init__()
        self.name = name
        self.add_module(name, nn.MultiheadAttention(channels, HEADS, batch_first=True))
        self.norm = nn.LayerNorm(channels)

    def forward(self, queries, looking, keys, values):
        a = getattr(self, self.name)
        c = queries.shape[-1]
        split = lambda t: t.unflatten(-1, (HEADS, c // HEADS)).transpose(1, 2)
        q, k, v = (F.linear(t, a.in_proj_weight[i * c:(i + 1) * c], a.in_proj_bias[i * c:(i + 1) * c])
                   for i, t in enumerate((looking, keys, values)))
        # Written out: the fused attention's way back is slow on a CPU.
        weights = torch.softmax(split(q) @ split(k).transpose(2, 3) / math.sqrt(c // HEADS), -1)
        seen = weights.to(v.dtype) @ split(v)
        return self.norm(queries + a.out_proj(seen.transpose(1, 2).flatten(2)))


class Feed(nn.Module):
    def __init__(self, channels, inner):
        super().__init__()
        self.linear1, self.linear2, self.norm = nn.Linear(channels, inner), nn.Linear(inner, channels), nn.LayerNorm(channels)

    def forward(self, x):
        return self.norm(x + self.linear2(F.relu(self.linear1(x))))


class Perceptron(nn.Module):
    def __init__(self, channels, last):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(channels, channels), nn.Linear(channels, channels), nn.Linear(channels, last)])

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = F.relu(layer(x))
        return self.layers[-1](x)


class ColorDecoder(nn.Module):
    def __init__(self, shape):
        super().__init__()
        c, n = shape.hidden, shape.layers
        self.transformer_cross_attention_layers = nn.ModuleList(Attention(c, "multihead_attn") for _ in range(n))
        self.transformer_self_attention_layers = nn.ModuleList(Attention(c, "self_attn") for _ in range(n))
        self.transformer_ffn_layers = nn.ModuleList(Feed(c, shape.feed) for _ in range(n))
        self.decoder_norm = nn.LayerNorm(c)
        self.query_feat, self.query_embed = nn.Embedding(shape.queries, c), nn.Embedding(shape.queries, c)
        self.level_embed = nn.Embedding(3, c)
        self.input_proj = nn.ModuleList(nn.Conv2d(m, c, 1) for m in shape.maps)
        self.color_embed = Perceptron(c, shape.last)

    def forward(self, maps):
        """Maps at strides 16, 8, 4 -> the queries' colours [B,Q,last]."""
        memories = []
        for i, m in enumerate(maps):
            values = pointwise(self.input_proj[i], m).flatten(1, 2) + self.level_embed.weight[i]
            memories.append((values + positions(*m.shape[2:], values.shape[-1]), values))
        q = self.query_feat.weight.expand(len(maps[0]), -1, -1)
        where = self.query_embed.weight
        for i, (cross, own, feed) in enumerate(zip(self.transformer_cross_attention_layers, self.transformer_self_attention_layers, self.transformer_ffn_layers)):
            q = cross(q, q + where, *memories[i % 3])
            q = feed(own(q, q + where, q + where, q))
        return self.color_embed(self.decoder_norm(q))


class Decoder(nn.Module):
    def __init__(self, shape):
        super().__init__()
        before = (shape.channels[3], *shape.maps)
        self.layers = nn.ModuleList(PixelBlock(before[i], shape.channels[2 - i], shape.maps[i]) for i in range(3))
        self.last_shuf = LastShuffle(shape.maps[2], shape.last)
        self.color_decoder = ColorDecoder(shape)


class Encoder(nn.Module):
    def __init__(self, shape, drop):
        super().__init__()
        self.arch = ConvNext(shape, drop)


class DDColor(nn.Module):
    def __init__(self, shape, drop=0.0):
        super().__init__()
        self.shape = shape
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))
        self.encoder, self.decoder = Encoder(shape, drop), Decoder(shape)
        self.refine_net = nn.Sequential(nn.Sequential(nn.Conv2d(shape.queries + 3, 2, 1)))
        if shape.classes:
            self.head = nn.Conv2d(shape.maps[2], shape.classes, 1)
        self.apply(start)

    def forward(self, grey):
        """grey [B,3,S,S] in 0..1, S a multiple of 32 -> ab [B,2,S,S] in units of CIE Lab, the classes' scores [B,K,S/4,S/4] or None, and the two vectors
        [B,2,C] that the last map is multiplied with to give a and b."""
        x = (grey - self.mean) / self.std
        stages = self.encoder.arch(x)
        maps, m = [], stages[3]
        for i, layer in enumerate(self.decoder.layers):
            m = layer(m, stages[2 - i])
            maps.append(m)
        colors = self.decoder.color_decoder(maps)
        refine = self.refine_net[0][0]
        of_queries, of_picture = refine.weight[:, :-3, 0, 0], refine.weight[:, -3:]
        vectors = of_queries @ colors
        ab = self.decoder.last_shuf(m, vectors) + F.conv2d(x, of_picture, refine.bias)
        return UNIT * ab, self.head(m) if self.shape.classes else None, vectors


def start(module):
    if isinstance(module, (nn.Linear, nn.Conv2d)):
        nn.init.trunc_normal_(module.weight, std=min(0.02 * math.sqrt(768 / module.weight[0].numel()), 0.1))
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    if isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight, std=0.5)
