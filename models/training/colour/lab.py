"""CIE Lab of sRGB under D65 by its formula, for batches [B,3,H,W]; RGB in 0..1, L in 0..100."""
import torch

TO_XYZ = torch.tensor([[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]])
WHITE = TO_XYZ.sum(1)


def to_linear(rgb):
    return torch.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def to_srgb(linear):
    return torch.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear.clamp_min(1e-9) ** (1 / 2.4) - 0.055)


def rgb_to_lab(rgb):
    xyz = torch.einsum("kc,bchw->bkhw", TO_XYZ / WHITE[:, None], to_linear(rgb))
    f = torch.where(xyz > 216 / 24389, xyz.clamp_min(1e-9) ** (1 / 3), xyz * (841 / 108) + 16 / 116)
    x, y, z = f.unbind(1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], 1)


def lab_to_rgb(lab):
    l, a, b = lab.unbind(1)
    y = (l + 16) / 116
    f = torch.stack([y + a / 500, y, y - b / 200], 1)
    xyz = torch.where(f > 6 / 29, f ** 3, (f - 16 / 116) * (108 / 841))
    return to_srgb(torch.einsum("kc,bchw->bkhw", torch.linalg.inv(TO_XYZ) * WHITE, xyz)).clamp(0, 1)


def grey_of(lightness):
    """L [B,1,H,W] -> what the network sees, [B,3,H,W]: the picture without a and b."""
    return lab_to_rgb(torch.cat([lightness, torch.zeros_like(lightness), torch.zeros_like(lightness)], 1))


def is_leaf(ab):
    """[B,2,H,W] -> whether it is a leaf's green: from yellow's side to blue's, and not nearly grey. [B,H,W]"""
    a, b = ab[:, 0], ab[:, 1]
    return (a < -5) & (b > 0) & (b < -4 * a)
