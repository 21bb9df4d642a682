# Cases of the latent family that the golden cases leave open: noise masks, batch indices, overhang, odd sizes.
R = random_tensor


def lat(seed, *shape, mask=None, index=None, **more):
    items = {"samples": R(seed, *shape, low=-2, high=2)}
    if mask:
        items["noise_mask"] = R(seed + 50, *mask)
    if index is not None:
        items["batch_index"] = LIST(*index)
    return L(D(**items, **more))


A = lat(1, 2, 4, 5, 6)
M = lat(2, 3, 4, 2, 3, mask=(3, 4, 6), index=[4, 9, 4])

CASES = {
    "EmptyLatentImage": [dict(width=64, height=40, batch_size=2), dict(width=70, height=46, batch_size=1)],
    "LatentUpscale": [
        dict(samples=lat(1, 1, 4, 5, 7), upscale_method="nearest-exact", width=0, height=0, crop="disabled"),
        dict(samples=lat(1, 1, 4, 5, 7), upscale_method="bilinear", width=0, height=80, crop="disabled"),
        dict(samples=lat(1, 1, 4, 5, 7), upscale_method="bilinear", width=88, height=0, crop="center"),
        dict(samples=lat(1, 1, 4, 5, 7), upscale_method="bilinear", width=8, height=104, crop="center"),
        dict(samples=M, upscale_method="area", width=64, height=64, crop="disabled"),
        dict(samples=lat(3, 1, 2, 3, 4, 5), upscale_method="bilinear", width=64, height=72, crop="center"),
        dict(samples=lat(3, 1, 8, 2, 3, 3), upscale_method="bislerp", width=64, height=72, crop="disabled"),
    ],
    "LatentUpscaleBy": [
        dict(samples=lat(1, 1, 4, 5, 7), upscale_method="bislerp", scale_by=1.5),
        dict(samples=lat(1, 1, 4, 5, 7), upscale_method="nearest-exact", scale_by=0.5),
        dict(samples=lat(1, 1, 4, 2, 3), upscale_method="bilinear", scale_by=0.01),
        dict(samples=lat(3, 1, 2, 2, 3, 3), upscale_method="area", scale_by=2.0),
    ],
    "LatentComposite": [
        dict(samples_to=A, samples_from=lat(4, 1, 4, 2, 3), x=8, y=16, feather=0),
        dict(samples_to=A, samples_from=lat(4, 2, 4, 3, 3), x=16, y=8, feather=16),
        dict(samples_to=A, samples_from=lat(4, 2, 4, 3, 3), x=16, y=8, feather=32),
        dict(samples_to=A, samples_from=lat(4, 2, 4, 3, 3), x=0, y=0, feather=56),
        dict(samples_to=A, samples_from=lat(4, 2, 4, 3, 3), x=24, y=24, feather=40),
        dict(samples_to=A, samples_from=lat(4, 2, 4, 3, 3), x=48, y=0, feather=0),
        dict(samples_to=A, samples_from=lat(4, 2, 4, 3, 3), x=80, y=80, feather=0),
        dict(samples_to=A, samples_from=lat(4, 3, 4, 3, 3), x=0, y=0, feather=0),
        dict(samples_to=M, samples_from=lat(4, 1, 4, 1, 1), x=0, y=0, feather=8),
    ],
    "LatentCompositeMasked": [
        dict(destination=A, source=lat(4, 1, 4, 2, 3), x=8, y=16, resize_source=False),
        dict(destination=A, source=lat(4, 3, 4, 3, 3), x=32, y=24, resize_source=False),
        dict(destination=A, source=lat(4, 1, 4, 2, 3), x=8, y=16, resize_source=True),
        dict(destination=A, source=lat(4, 2, 4, 3, 3), x=12, y=8, resize_source=False, mask=L(R(9, 1, 6, 5))),
        dict(destination=A, source=lat(4, 2, 4, 3, 3), x=32, y=24, resize_source=False, mask=L(R(9, 3, 6, 5))),
        dict(destination=A, source=lat(4, 1, 4, 3, 3), x=0, y=0, resize_source=True, mask=L(R(9, 2, 6, 5))),
        dict(destination=A, source=lat(4, 1, 4, 3, 3), x=400, y=0, resize_source=False),
        dict(destination=M, source=lat(4, 1, 4, 1, 1), x=0, y=0, resize_source=False),
        dict(destination=lat(3, 1, 2, 2, 3, 4), source=lat(4, 1, 2, 2, 2, 2), x=8, y=8, resize_source=False),
    ],
    "LatentBlend": [
        dict(samples1=A, samples2=lat(4, 2, 4, 5, 6), blend_factor=0.25),
        dict(samples1=A, samples2=lat(4, 1, 4, 3, 3), blend_factor=0.75),
        dict(samples1=A, samples2=lat(4, 3, 4, 5, 6), blend_factor=0.5),
        dict(samples1=M, samples2=lat(4, 3, 4, 2, 3), blend_factor=1.0),
    ],
    "LatentCrop": [
        dict(samples=lat(1, 1, 2, 12, 14), width=64, height=72, x=16, y=8),
        dict(samples=lat(1, 1, 2, 12, 14), width=64, height=64, x=8000, y=8000),
        dict(samples=A, width=64, height=64, x=0, y=0),
        dict(samples=A, width=64, height=80, x=16, y=8),
        dict(samples=M, width=64, height=64, x=8, y=8),
    ],
    "LatentFlip": [dict(samples=A, flip_method="x-axis: vertically"), dict(samples=M, flip_method="y-axis: horizontally")],
    "LatentRotate": [dict(samples=A, rotation=r) for r in ("none", "90 degrees", "180 degrees", "270 degrees")]
    + [dict(samples=M, rotation="90 degrees")],
    "LatentFromBatch": [
        dict(samples=A, batch_index=1, length=1), dict(samples=A, batch_index=9, length=9),
        dict(samples=M, batch_index=1, length=2), dict(samples=M, batch_index=0, length=64),
        dict(samples=lat(2, 3, 4, 2, 3, mask=(1, 4, 6)), batch_index=1, length=2),
        dict(samples=lat(2, 3, 4, 2, 3, mask=(2, 1, 4, 4)), batch_index=1, length=2),
    ],
    "RepeatLatentBatch": [
        dict(samples=A, amount=2), dict(samples=M, amount=2), dict(samples=M, amount=1),
        dict(samples=lat(2, 2, 4, 2, 2, mask=(1, 1, 4, 4)), amount=2),
        dict(samples=lat(2, 3, 4, 2, 2, mask=(2, 4, 4)), amount=2),
        dict(samples=lat(2, 3, 4, 2, 2, mask=(2, 1, 4, 4)), amount=3),
        dict(samples=lat(2, 3, 4, 2, 2, index=[5, 2, 7]), amount=3),
    ],
    "RebatchLatents": [
        dict(latents=MANY([A.value, lat(5, 1, 4, 5, 6).value]), batch_size=2),
        dict(latents=MANY([A.value, lat(5, 2, 4, 5, 6).value]), batch_size=1),
        dict(latents=MANY([A.value, lat(5, 2, 4, 2, 3).value, lat(6, 1, 4, 2, 3).value]), batch_size=2),
        dict(latents=MANY([lat(5, 2, 4, 2, 3, mask=(2, 1, 16, 24)).value]), batch_size=4096),
        dict(latents=MANY([lat(5, 2, 4, 2, 2, mask=(1, 4, 4)).value]), batch_size=1),
        dict(latents=MANY([lat(5, 2, 4, 2, 2, mask=(1, 1, 4, 4)).value]), batch_size=1),
        dict(latents=MANY([lat(5, 3, 4, 2, 2, mask=(2, 1, 16, 16)).value]), batch_size=2),
        dict(latents=MANY([lat(5, 2, 4, 2, 2, mask=(2, 1, 16, 16)).value, lat(6, 2, 4, 2, 2).value]), batch_size=3),
        dict(latents=MANY([lat(5, 1, 4, 2, 2).value, lat(6, 2, 4, 2, 2, mask=(2, 1, 16, 16)).value]), batch_size=2),
        dict(latents=MANY([lat(5, 3, 4, 2, 2, mask=(3, 1, 8, 8)).value, lat(6, 2, 4, 2, 3).value]), batch_size=2),
        dict(latents=MANY([lat(5, 2, 4, 2, 3, index=[3, 1]).value, lat(5, 2, 4, 2, 3).value]), batch_size=3),
    ],
    "BatchLatentsNode": [
        {"latents.latent0": A, "latents.latent1": lat(4, 1, 4, 8, 3)},
        {"latents.latent0": M, "latents.latent1": lat(4, 1, 4, 2, 3)},
        {"latents.latent0": A, "latents.latent1": M},
        {"latents.latent0": M, "latents.latent1": lat(2, 2, 4, 2, 3, mask=(2, 4, 6), index=[1, 2])},
        {"latents.latent1": A, "latents.latent3": lat(4, 1, 4, 5, 6)},
        {"latents.latent0": lat(3, 1, 2, 2, 3, 3), "latents.latent1": lat(4, 1, 2, 2, 3, 3)},
        {"latents.latent0": lat(3, 1, 2, 2, 3, 3), "latents.latent1": lat(4, 1, 2, 2, 4, 5)},
    ],
    "LatentBatch": [
        dict(samples1=A, samples2=lat(4, 1, 4, 8, 3)), dict(samples1=M, samples2=lat(4, 2, 4, 2, 3)),
        dict(samples1=A, samples2=lat(4, 2, 4, 5, 6, index=[7, 8])), dict(samples1=M, samples2=M),
    ],
    "LatentAdd": [dict(samples1=A, samples2=lat(4, 1, 4, 3, 3)), dict(samples1=M, samples2=lat(4, 4, 4, 2, 3)),
                  dict(samples1=A, samples2=lat(4, 1, 1, 5, 6)), dict(samples1=A, samples2=lat(4, 1, 3, 5, 6))],
    "LatentSubtract": [dict(samples1=A, samples2=lat(4, 1, 4, 7, 3)), dict(samples1=M, samples2=A)],
    "LatentMultiply": [dict(samples=M, multiplier=1.5), dict(samples=A, multiplier=-10.0)],
    "LatentInterpolate": [
        dict(samples1=lat(1, 1, 4, 5, 6), samples2=lat(4, 1, 4, 5, 6), ratio=0.25),
        dict(samples1=lat(1, 1, 4, 5, 6), samples2=lat(4, 1, 4, 3, 3), ratio=0.5),
        dict(samples1=A, samples2=lat(4, 2, 4, 5, 6), ratio=0.5),
        dict(samples1=lat(1, 4, 4, 2, 3), samples2=lat(4, 4, 4, 2, 3), ratio=0.75),
        dict(samples1=lat(1, 1, 4, 2, 3), samples2=L(D(samples=T([1, 4, 2, 3], [0] * 24))), ratio=0.5),
        dict(samples1=lat(1, 4, 4, 2, 3), samples2=lat(4, 1, 4, 2, 3), ratio=0.75),
    ],
    "LatentConcat": [dict(samples1=A, samples2=lat(4, 1, 4, 5, 6), dim=d) for d in ("x", "-x", "y", "-y", "t", "-t")] + [
        dict(samples1=A, samples2=lat(4, 2, 4, 5, 3), dim="x"), dict(samples1=A, samples2=lat(4, 2, 4, 5, 3), dim="y"),
        dict(samples1=lat(3, 1, 2, 2, 3, 3), samples2=lat(4, 1, 2, 1, 3, 3), dim="t"),
        dict(samples1=lat(3, 1, 2, 2, 3, 3), samples2=lat(4, 1, 2, 1, 3, 3), dim="-t"),
        dict(samples1=M, samples2=lat(4, 3, 4, 2, 3), dim="x"),
        dict(samples1=A, samples2=lat(4, 3, 4, 5, 6), dim="x"),
    ],
    "LatentCut": [
        dict(samples=A, dim="x", index=2, amount=2), dict(samples=A, dim="y", index=-2, amount=5), dict(samples=A, dim="t", index=1, amount=2),
        dict(samples=A, dim="x", index=99, amount=2), dict(samples=A, dim="x", index=-99, amount=2), dict(samples=A, dim="x", index=5, amount=99),
        dict(samples=A, dim="x", index=6, amount=1), dict(samples=A, dim="x", index=-1, amount=1), dict(samples=A, dim="x", index=-7, amount=3),
        dict(samples=lat(3, 1, 2, 3, 3, 3), dim="t", index=1, amount=2), dict(samples=M, dim="x", index=1, amount=1),
    ],
    "LatentCutToBatch": [
        dict(samples=A, dim="x", slice_size=2), dict(samples=A, dim="y", slice_size=2), dict(samples=A, dim="t", slice_size=2),
        dict(samples=A, dim="x", slice_size=6), dict(samples=A, dim="x", slice_size=7), dict(samples=A, dim="x", slice_size=4),
        dict(samples=lat(3, 1, 2, 4, 3, 3), dim="t", slice_size=2), dict(samples=lat(3, 2, 2, 5, 3, 3), dim="t", slice_size=2),
        dict(samples=lat(3, 2, 2, 3, 4, 3), dim="y", slice_size=3), dict(samples=M, dim="x", slice_size=1),
    ],
    "SetLatentNoiseMask": [
        dict(samples=A, mask=L(R(9, 2, 8, 8))), dict(samples=M, mask=L(R(9, 8, 8))), dict(samples=A, mask=L(R(9, 2, 1, 4, 4))),
        dict(samples=M, mask=L(R(9, 1, 3, 3))),
    ],
}
