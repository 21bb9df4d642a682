"""A function over a big tensor in overlapping tiles, whose borders fade into each other."""
import itertools
import math


def get_tiled_scale_steps(width, height, tile_x, tile_y, overlap):
    """How many tiles tiled_scale() makes."""
    return _count(width, tile_x, overlap) * _count(height, tile_y, overlap)


def _count(size, tile, overlap):
    return 1 if size <= tile else math.ceil((size - overlap) / (tile - overlap))


def tiled_scale(samples, function, tile_x=64, tile_y=64, overlap=8, upscale_amount=4, out_channels=3, output_device="cpu", pbar=None):
    """[B,C,H,W] to [B,out_channels,H*upscale_amount,W*upscale_amount]; `function` gets a tile of one picture, sides in pixels of the input."""
    return tiled_scale_multidim(samples, function, (tile_y, tile_x), overlap=overlap, upscale_amount=upscale_amount, out_channels=out_channels, output_device=output_device, pbar=pbar)


def tiled_scale_multidim(samples, function, tile=(64, 64), overlap=8, upscale_amount=4, out_channels=3, output_device="cpu", downscale=False, index_formulas=None, pbar=None):
    """For as many dimensions as `tile` has. `overlap`, `upscale_amount`, `index_formulas`: one for all or one each; a number, or a function of the size.
    `downscale` divides instead."""
    import torch

    dims = len(tile)
    overlaps = _each(overlap, dims)
    sizes = [_scaling(amount, downscale) for amount in _each(upscale_amount, dims)]
    places = sizes if index_formulas is None else [_scaling(formula, downscale) for formula in _each(index_formulas, dims)]
    whole = [round(size(length)) for size, length in zip(sizes, samples.shape[2:])]
    made = torch.empty([samples.shape[0], out_channels, *whole], device=output_device)
    for number in range(samples.shape[0]):
        one = samples[number:number + 1]
        if all(length <= side for length, side in zip(one.shape[2:], tile)):
            made[number:number + 1] = function(one).to(output_device)
            _stepped(pbar)
            continue
        total, weights = (torch.zeros([1, out_channels, *whole], device=output_device) for _ in range(2))
        for begins in itertools.product(*(_begins(length, side, over) for length, side, over in zip(one.shape[2:], tile, overlaps))):
            part, target = one, [slice(None), slice(None)]
            for dim, begin in enumerate(begins):
                begin = max(0, min(one.shape[dim + 2] - overlaps[dim], begin))
                part = part.narrow(dim + 2, begin, min(tile[dim], one.shape[dim + 2] - begin))
                target.append(round(places[dim](begin)))
            result = function(part).to(output_device)
            target = tuple(target[:2] + [slice(at, at + length) for at, length in zip(target[2:], result.shape[2:])])
            mask = _faded(result, [round(sizes[dim](overlaps[dim])) for dim in range(dims)])
            total[target] += result * mask
            weights[target] += mask
            _stepped(pbar)
        made[number:number + 1] = total / weights
    return made


def _each(value, dims):
    return list(value) if isinstance(value, (list, tuple)) else [value] * dims


def _scaling(amount, downscale):
    if callable(amount):
        return amount
    return (lambda length: length / amount) if downscale else (lambda length: length * amount)


def _begins(length, side, overlap):
    return range(0, length - overlap, side - overlap) if length > side else [0]


def _faded(result, overlaps):
    """Weights of a tile: rising over the overlap from every border."""
    mask = result.new_ones(result.shape)
    for dim, overlap in enumerate(overlaps, 2):
        if overlap >= mask.shape[dim]:
            continue
        for step in range(overlap):
            share = (step + 1) / overlap
            mask.narrow(dim, step, 1).mul_(share)
            mask.narrow(dim, mask.shape[dim] - 1 - step, 1).mul_(share)
    return mask


def _stepped(pbar):
    if pbar is not None:
        pbar.update(1)
