"""What the training minimises. Colours that are seldom count more: otherwise everything becomes the brown that is never far off."""
import torch
import torch.nn.functional as F

from lab import is_leaf, rgb_to_lab

STEP = 10      # units of a and b, of a class of colours
REACH = 11     # classes to each side of grey
SELDOM = 2e-4  # share of the pixels that makes a cell of the plane a class of its own
MIXED = 0.5    # of even shares, in the shares that weights come from (Zhang et al. 2016)
HEAVIEST = 4.0
LEAVES = 1.7   # what a pixel of a leaf's green weighs beside the others: green and brown leaves look alike in grey, and what lies between them is brown
ALIKE = 0.3    # weight of what makes a and b two colours
SIDE = 2 * REACH + 1


def cell_of(ab):
    """[B,2,H,W] -> which cell of the ab plane, [B,H,W]."""
    steps = (ab / STEP).round().clamp(-REACH, REACH).long() + REACH
    return steps[:, 0] * SIDE + steps[:, 1]


class ColorClasses:
    """Cells of the ab plane that occur, and what a pixel of each weighs."""

    def __init__(self, pictures):
        counts = torch.zeros(SIDE * SIDE)
        for levels in pictures.photographs:
            lab = rgb_to_lab(levels[min(1, len(levels) - 1)].float()[None] / 255)
            cells = torch.bincount(cell_of(lab[:, 1:]).flatten(), minlength=SIDE * SIDE)
            counts += cells / cells.sum()  # each picture counts as much, whatever its size
        shares = counts / counts.sum()
        places = torch.stack(torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij"), -1).view(-1, 2).float()
        kept = torch.nonzero(shares > SELDOM)[:, 0]
        self.count = len(kept)
        self.of_cell = torch.cdist(places, places[kept]).argmin(1)  # what is too seldom belongs to the nearest class
        share = torch.zeros(self.count).index_add_(0, self.of_cell, shares)
        weight = (((1 - MIXED) * share + MIXED / self.count) ** -0.5).clamp_max(1e4)
        weight = weight / (weight * share).sum()
        self.weight = weight.clamp_max(HEAVIEST)

    def of(self, ab):
        return self.of_cell[cell_of(ab)]


def loss(ab, scores, vectors, wanted, grey, classes):
    """ab, wanted: [B,2,S,S]; scores: [B,K,S/4,S/4]; vectors: [B,2,C]; grey: [B,3,S,S]. The sum, and its parts to be shown."""
    weight = classes.weight[classes.of(wanted)] * torch.where(is_leaf(wanted), LEAVES, 1.0)
    away = ((ab - wanted) ** 2).sum(1).add(1).sqrt().sub(1)
    far = (weight * away).mean() / 10

    kind = classes.of(F.avg_pool2d(wanted, 4))
    guess = F.cross_entropy(scores.float(), kind, weight=classes.weight, label_smoothing=0.05)

    # Where lightness is flat, colour is.
    step = lambda t, axis: t.diff(dim=axis)
    rough = sum((step(ab, axis).abs().mean(1) * torch.exp(-20 * step(grey[:, :1], axis).abs()[:, 0])).mean() for axis in (2, 3))

    spread = lambda t: t.flatten(2).std(2).mean(1)
    pale = F.relu(spread(wanted) - spread(ab)).mean() / 10

    # a and b from one vector are one colour and its opposite: queries that grow alike bring that about, and then nothing drives them apart.
    alike = F.cosine_similarity(vectors[:, 0], vectors[:, 1], dim=1).square().mean()
    return far + 0.5 * guess + 0.05 * rough + 0.1 * pale + ALIKE * alike, {"far": far, "guess": guess, "rough": rough, "pale": pale, "alike": alike}
