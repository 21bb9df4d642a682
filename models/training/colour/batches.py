"""Batches of training pictures: crops of many sizes, and grey pictures as an old camera might have taken them."""
import math

import torch
import torch.nn.functional as F
from safetensors.torch import load_file

from lab import grey_of, is_leaf, rgb_to_lab

PIXELS = 6 * 128 * 128  # of a batch, about: never fewer than two squares
SMALL, LARGE = (64, 96, 128), (128, 192, 256)  # sides before and after GROWS of the training
GROWS = 0.5
LEAFY, MORE = 0.3, 4  # a photograph with this share of leaves' green, or more, is drawn 1 + MORE times as often as one without
OBJECTS = 0.06        # share of things without surroundings, before GROWS


class Draw:
    """Random numbers of one batch, which depend on the seed and the batch's number alone."""

    def __init__(self, seed, step):
        self.generator = torch.Generator().manual_seed(seed * 1_000_003 + step)

    def between(self, low, high, count=1):
        values = low + (high - low) * torch.rand(count, generator=self.generator)
        return values.item() if count == 1 else values.view(-1, 1, 1, 1)

    def below(self, number):
        return int(torch.randint(number, (), generator=self.generator))

    def chance(self, probability):
        return self.between(0, 1) < probability

    def normal(self, *shape):
        return torch.randn(shape, generator=self.generator)


def pyramid(picture):
    """uint8 [H,W,C] -> [C,H,W], and its halves as long as the shorter side has 64 pixels."""
    levels = [picture.permute(2, 0, 1).contiguous()]
    while min(levels[-1].shape[1:]) >= 128:
        levels.append(F.avg_pool2d(levels[-1].float()[None], 2)[0].round().to(torch.uint8))
    return levels


class Pictures:
    def __init__(self, path, limit=None):
        """`limit`: take only so many photographs, and no objects."""
        found = load_file(path)
        of = lambda use: [pyramid(found[key]) for key in sorted(found) if key.startswith(use + "/")]
        self.photographs = of("train")[:limit]
        self.objects = of("object") if limit is None else []
        green = lambda levels: is_leaf(rgb_to_lab(levels[-1][None].float() / 255)[:, 1:]).float().mean()
        often = torch.tensor([1 + MORE * min(1, green(levels).item() / LEAFY) for levels in self.photographs])
        self.up_to = (often / often.sum()).cumsum(0)

    def photograph(self, draw):
        """One of the photographs: those with leaves come more often, since green and brown leaves look alike in grey until one has seen many."""
        return self.photographs[min(int(torch.searchsorted(self.up_to, draw.between(0, 1))), len(self.photographs) - 1)]

    def crop(self, levels, side, draw):
        """A piece of a picture as a square: all of it squeezed, or a part that is turned and stretched a little. RGB in 0..1 [3,side,side]."""
        _, height, width = levels[0].shape
        if draw.chance(0.3):
            w, h, turn = width, height, 0.0
        else:
            area = math.exp(draw.between(math.log(0.15), 0)) * width * height
            stretch = math.exp(draw.between(-0.35, 0.35))
            w, h = min(math.sqrt(area * stretch), width), min(math.sqrt(area / stretch), height)
            turn = math.radians(draw.between(-8, 8)) if draw.chance(0.3) else 0.0
        x, y = draw.between(w / 2, width - w / 2), draw.between(h / 2, height - h / 2)
        flip = -1 if draw.chance(0.5) else 1
        level = max(0, min(len(levels) - 1, math.floor(math.log2(max(w, h) / side)))) if max(w, h) > side else 0
        sin, cos = math.sin(turn), math.cos(turn)
        # From the square's coordinates (-1..1) to the picture's.
        matrix = torch.tensor([[[flip * w * cos / width, -h * sin / width, 2 * x / width - 1], [flip * w * sin / height, h * cos / height, 2 * y / height - 1]]])
        grid = F.affine_grid(matrix, (1, 1, side, side), align_corners=False)
        return F.grid_sample(levels[level].float()[None] / 255, grid, padding_mode="reflection", align_corners=False)[0]

    def batch(self, seed, step, progress):
        """What the network sees [B,3,S,S] and the colours that it shall find [B,2,S,S], for `progress` in 0..1."""
        draw = Draw(seed, step)
        sides = SMALL if progress < GROWS else LARGE
        side = sides[draw.below(len(sides))]
        rgb = []
        for _ in range(max(2, PIXELS // side**2)):
            if self.objects and progress < GROWS and draw.chance(OBJECTS):
                thing = self.crop(self.objects[draw.below(len(self.objects))], side, draw)
                rgb.append(thing[:3] * thing[3:] + draw.between(0, 1) * (1 - thing[3:]))
            else:
                rgb.append(self.crop(self.photograph(draw), side, draw))
        rgb = torch.stack(rgb).clamp(0, 1)
        lab = rgb_to_lab(rgb)
        ab = lab[:, 1:] * draw.between(0.9, 1.25, len(rgb))
        return aged(rgb, lab, draw).contiguous(memory_format=torch.channels_last), ab


def aged(rgb, lab, draw):
    """The grey picture: its lightness, or what a film that is blind for red makes of it; contrast, fading, vignette, blur, grain."""
    count, side = len(rgb), rgb.shape[-1]
    film = torch.cat([draw.between(0, 0.4, count), draw.between(0.2, 1, count), draw.between(0.1, 1, count)], 1)
    film = (rgb * (film / film.sum(1, keepdim=True))).sum(1, keepdim=True)
    grey = torch.where(draw.between(0, 1, count) < 0.3, film, grey_of(lab[:, :1])[:, :1])

    black, white = draw.between(-0.05, 0.2, count), draw.between(0.8, 1.08, count)
    toned = black + (white - black) * grey.clamp_min(1e-4) ** torch.exp(draw.between(-0.4, 0.4, count))
    grey = torch.where(draw.between(0, 1, count) < 0.6, toned, grey)

    axis = torch.linspace(-1, 1, side)
    corners = (axis[:, None] ** 2 + axis[None] ** 2) / 2
    grey = grey * (1 - (draw.between(-0.6, 0.4, count).clamp_min(0)) * corners)

    offsets = torch.arange(-2, 3).float()
    kernel = torch.exp(-(offsets**2) / (2 * draw.between(0.2, 1.3, count).view(-1, 1) ** 2))
    kernel = kernel / kernel.sum(1, keepdim=True)
    blurred = F.conv2d(F.pad(grey.transpose(0, 1), (2, 2, 2, 2), mode="replicate"), kernel.view(count, 1, 5, 1), groups=count)
    blurred = F.conv2d(blurred, kernel.view(count, 1, 1, 5), groups=count).transpose(0, 1)
    grey = torch.where(draw.between(0, 1, count) < 0.4, blurred, grey)

    grain = draw.normal(count, 1, side, side)
    if draw.chance(0.5):
        grain = 1.7 * F.avg_pool2d(grain, 3, stride=1, padding=1)
    grey = grey + draw.between(-0.05, 0.05, count).clamp_min(0) * grain
    return grey.clamp(0, 1).expand(-1, 3, -1, -1)
