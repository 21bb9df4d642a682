"""Parts of a conditioning that are cut and joined into batches."""
import math

from darkroom_host.host_modules import rest

__getattr__ = rest("comfy.conds")


class CONDRegular:
    """A tensor [B,...] that is repeated to the batch."""

    def __init__(self, cond):
        self.cond = cond

    def _copy_with(self, cond):
        return type(self)(cond)

    def process_cond(self, batch_size, **kwargs):
        from comfy.utils import repeat_to_batch_size

        return self._copy_with(repeat_to_batch_size(self.cond, batch_size))

    def can_concat(self, other):
        return self.cond.shape == other.cond.shape

    def concat(self, others):
        import torch

        return torch.cat([self.cond, *(one.cond for one in others)])

    def size(self):
        return list(self.cond.size())


class CONDNoiseShape(CONDRegular):
    """Has the sides of the latent: an area cuts it."""

    def process_cond(self, batch_size, area=None, **kwargs):
        from comfy.utils import repeat_to_batch_size

        data = self.cond
        if area is not None:
            dims = len(area) // 2
            for dim in range(dims):
                data = data.narrow(dim + 2, area[dim + dims], area[dim])
        return self._copy_with(repeat_to_batch_size(data, batch_size))


class CONDCrossAttn(CONDRegular):
    """A text [B,T,D]: texts of other lengths are repeated to a common one."""

    def can_concat(self, other):
        mine, theirs = self.cond.shape, other.cond.shape
        if mine == theirs:
            return True
        return mine[0] == theirs[0] and mine[2] == theirs[2] and math.lcm(mine[1], theirs[1]) // min(mine[1], theirs[1]) <= 4

    def concat(self, others):
        import torch

        all_of_them = [self.cond, *(one.cond for one in others)]
        length = math.lcm(*(one.shape[1] for one in all_of_them))
        return torch.cat([one.repeat(1, length // one.shape[1], 1) for one in all_of_them])


class CONDConstant(CONDRegular):
    """Any value, the same for all."""

    def process_cond(self, batch_size, **kwargs):
        return self._copy_with(self.cond)

    def can_concat(self, other):
        return self.cond == other.cond

    def concat(self, others):
        return self.cond

    def size(self):
        return [1]


class CONDList(CONDRegular):
    """Tensors, each as in CONDRegular."""

    def process_cond(self, batch_size, **kwargs):
        from comfy.utils import repeat_to_batch_size

        return self._copy_with([repeat_to_batch_size(one, batch_size) for one in self.cond])

    def can_concat(self, other):
        return len(self.cond) == len(other.cond) and all(mine.shape == theirs.shape for mine, theirs in zip(self.cond, other.cond))

    def concat(self, others):
        import torch

        return [torch.cat([mine, *(one.cond[i] for one in others)]) for i, mine in enumerate(self.cond)]

    def size(self):
        return [1, 1, sum(math.prod(one.size()) for one in self.cond)]
