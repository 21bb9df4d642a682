"""The UNet and the decoder of Stable Diffusion in plain PyTorch, by the names of a checkpoint: what a careful user would write.

Channels-last memory, fused attention, weights in the dtype that is computed in.
"""
import math

import torch
import torch.nn.functional as F


class Network(torch.nn.Module):
    def __init__(self, weights, dtype):
        super().__init__()
        self.dtype = dtype
        self.w = {name: self.laid_out(tensor.to(dtype)) for name, tensor in weights.items()}

    @staticmethod
    def laid_out(tensor):
        return tensor.contiguous(memory_format=torch.channels_last) if tensor.dim() == 4 else tensor

    def has(self, name):
        return name in self.w

    def linear(self, x, name):
        return F.linear(x, self.w[name + ".weight"], self.w.get(name + ".bias"))

    def conv(self, x, name, stride=1):
        weight = self.w[name + ".weight"]
        return F.conv2d(x, weight, self.w[name + ".bias"], stride, weight.shape[-1] // 2)

    def norm(self, x, name, eps):
        return F.group_norm(x, 32, self.w[name + ".weight"], self.w[name + ".bias"], eps)


class UNet(Network):
    def __init__(self, weights, dtype):
        super().__init__(weights, dtype)
        width = next(tensor.shape[1] for name, tensor in self.w.items() if name.endswith("attn2.to_k.weight"))
        self.heads = 8 if width == 768 else None  # SD1.x has eight heads everywhere, later ones heads of 64
        self.levels_in = 1 + max(int(name.split(".")[1]) for name in self.w if name.startswith("input_blocks."))

    def residual(self, x, emb, n):
        h = self.conv(F.silu(self.norm(x, n + ".in_layers.0", 1e-5)), n + ".in_layers.2")
        h = h + self.linear(F.silu(emb), n + ".emb_layers.1")[:, :, None, None]
        h = self.conv(F.silu(self.norm(h, n + ".out_layers.0", 1e-5)), n + ".out_layers.3")
        return h + (self.conv(x, n + ".skip_connection") if self.has(n + ".skip_connection.weight") else x)

    def attention(self, x, context, n):
        heads = self.heads or x.shape[-1] // 64
        q, k, v = (self.linear(a, f"{n}.to_{c}").unflatten(-1, (heads, -1)).transpose(1, 2) for a, c in ((x, "q"), (context, "k"), (context, "v")))
        return self.linear(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2), n + ".to_out.0")

    def layer_norm(self, x, n):
        return F.layer_norm(x, x.shape[-1:], self.w[n + ".weight"], self.w[n + ".bias"])

    def transformer(self, x, context, n):
        b, _, h, w = x.shape
        as_linear = self.w[n + ".proj_in.weight"].dim() == 2
        t = self.norm(x, n + ".norm", 1e-6)
        if not as_linear:
            t = self.conv(t, n + ".proj_in")
        t = t.permute(0, 2, 3, 1).reshape(b, h * w, -1)
        if as_linear:
            t = self.linear(t, n + ".proj_in")
        i = 0
        while self.has(f"{n}.transformer_blocks.{i}.norm1.weight"):
            m = f"{n}.transformer_blocks.{i}"
            s = self.layer_norm(t, m + ".norm1")
            t = t + self.attention(s, s, m + ".attn1")
            t = t + self.attention(self.layer_norm(t, m + ".norm2"), context, m + ".attn2")
            value, gate = self.linear(self.layer_norm(t, m + ".norm3"), m + ".ff.net.0.proj").chunk(2, -1)
            t = t + self.linear(value * F.gelu(gate), m + ".ff.net.2")
            i += 1
        if as_linear:
            t = self.linear(t, n + ".proj_out")
        t = t.reshape(b, h, w, -1).permute(0, 3, 1, 2)
        return x + (t if as_linear else self.conv(t, n + ".proj_out"))

    def block(self, x, emb, context, n):
        i = 0
        while True:
            m = f"{n}.{i}"
            if self.has(m + ".in_layers.0.weight"):
                x = self.residual(x, emb, m)
            elif self.has(m + ".norm.weight"):
                x = self.transformer(x, context, m)
            elif self.has(m + ".op.weight"):
                x = self.conv(x, m + ".op", 2)
            elif self.has(m + ".conv.weight"):
                x = self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"), m + ".conv")
            elif self.has(m + ".weight"):
                x = self.conv(x, m)
            else:
                return x
            i += 1

    def forward(self, x, timesteps, context, y=None):
        half = self.w["time_embed.0.weight"].shape[1] // 2
        angles = timesteps[:, None] * torch.exp(-math.log(10000) * torch.arange(half, dtype=torch.float32, device=x.device) / half)[None]
        emb = self.linear(F.silu(self.linear(torch.cat([angles.cos(), angles.sin()], -1).to(self.dtype), "time_embed.0")), "time_embed.2")
        if y is not None:
            emb = emb + self.linear(F.silu(self.linear(y.to(self.dtype), "label_emb.0.0")), "label_emb.0.2")
        h, context, skips = self.laid_out(x.to(self.dtype)), context.to(self.dtype), []
        for i in range(self.levels_in):
            h = self.block(h, emb, context, f"input_blocks.{i}")
            skips.append(h)
        h = self.block(h, emb, context, "middle_block")
        for i in range(self.levels_in):
            h = self.block(torch.cat([h, skips.pop()], 1), emb, context, f"output_blocks.{i}")
        return self.conv(F.silu(self.norm(h, "out.0", 1e-5)), "out.2").float().contiguous()


class Decoder(Network):
    def __init__(self, weights, dtype):
        super().__init__(weights, dtype)
        self.levels = 1 + max(int(name.split(".")[2]) for name in self.w if name.startswith("decoder.up."))

    def residual(self, x, n):
        h = self.conv(F.silu(self.norm(x, n + ".norm1", 1e-6)), n + ".conv1")
        h = self.conv(F.silu(self.norm(h, n + ".norm2", 1e-6)), n + ".conv2")
        return h + (self.conv(x, n + ".nin_shortcut") if self.has(n + ".nin_shortcut.weight") else x)

    def attention(self, x, n):
        b, c, h, w = x.shape
        t = self.norm(x, n + ".norm", 1e-6)
        q, k, v = (self.conv(t, f"{n}.{part}").flatten(2).transpose(1, 2)[:, None] for part in "qkv")
        return x + self.conv(F.scaled_dot_product_attention(q, k, v)[:, 0].transpose(1, 2).reshape(b, c, h, w), n + ".proj_out")

    def forward(self, latent):
        x = self.conv(self.laid_out(latent.to(self.dtype)), "post_quant_conv")
        x = self.residual(self.conv(x, "decoder.conv_in"), "decoder.mid.block_1")
        x = self.residual(self.attention(x, "decoder.mid.attn_1"), "decoder.mid.block_2")
        for level in reversed(range(self.levels)):
            i = 0
            while self.has(f"decoder.up.{level}.block.{i}.conv1.weight"):
                x = self.residual(x, f"decoder.up.{level}.block.{i}")
                i += 1
            if level:
                x = self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"), f"decoder.up.{level}.upsample.conv")
        x = self.conv(F.silu(self.norm(x, "decoder.norm_out", 1e-6)), "decoder.conv_out")
        return ((x.float() + 1) / 2).clamp(0, 1).movedim(1, -1).contiguous()
