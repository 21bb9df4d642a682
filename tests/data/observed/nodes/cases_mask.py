# Masks and alpha: what the golden cases leave open.
R = random_tensor
I345, M345 = L(R(1, 2, 4, 5, 3)), L(R(2, 2, 4, 5))
M1 = L(R(3, 1, 4, 5))
SMALL = L(R(4, 1, 3, 4))

CASES = {
    "SolidMask": [dict(value=0.37, width=3, height=2)],
    "InvertMask": [dict(mask=M345)],
    "CropMask": [dict(mask=M345, x=1, y=1, width=2, height=2), dict(mask=M345, x=4, y=3, width=10, height=10), dict(mask=M345, x=0, y=0, width=512, height=512)],
    "FeatherMask": [dict(mask=M345, left=a, top=b, right=c, bottom=d) for a, b, c, d in ((2, 0, 0, 0), (0, 0, 3, 0), (0, 9, 0, 9), (3, 2, 4, 1), (0, 0, 0, 0))],
    "GrowMask": [dict(mask=m, expand=e, tapered_corners=t) for e in (0, 1, 2, -1, -3, 40) for t in (True, False) for m in (M345,)],
    "ThresholdMask": [dict(mask=M345, value=0.5), dict(mask=M345, value=0.0), dict(mask=M345, value=1.0)],
    "MaskComposite": [dict(destination=M345, source=M1, x=x, y=y, operation=o) for o in ("multiply", "add", "subtract", "and", "or", "xor") for x, y in ((0, 0), (2, 3))]
    + [dict(destination=M345, source=M345, x=1, y=0, operation="add"), dict(destination=M345, source=M345, x=5, y=0, operation="add"), dict(destination=M345, source=SMALL, x=9, y=9, operation="add"), dict(destination=M1, source=M345, x=0, y=0, operation="add")],
    "MaskToImage": [dict(mask=M345), dict(mask=L(R(3, 4, 5)))],
    "ImageToMask": [dict(image=I345, channel=c) for c in ("red", "green", "blue", "alpha")] + [dict(image=L(R(1, 1, 2, 2, 4)), channel="alpha")],
    "ImageColorToMask": [dict(image=L(T([1, 1, 6, 3], [0.5, 0.5, 0.5, 0.498, 0.498, 0.498, 1.2, 1, 1, -1, 0, 0, 128 / 255, 128 / 255, 128 / 255, 0, 0, 1])), color=c) for c in (0x808080, 0x7F7F7F, 0xFFFFFF, 0, 255)],
    "BatchMasksNode": [{"masks.mask0": M345, "masks.mask1": M1, "masks.mask2": L(R(5, 1, 8, 6))}, {"masks.mask1": M1, "masks.mask3": SMALL}, {"masks.mask0": SMALL}],
    "JoinImageWithAlpha": [dict(image=I345, alpha=M345), dict(image=I345, alpha=M1), dict(image=I345, alpha=L(R(6, 3, 6, 9))), dict(image=L(R(1, 1, 2, 2, 4)), alpha=L(R(6, 1, 2, 2)))],
    "SplitImageWithAlpha": [dict(image=I345), dict(image=L(R(1, 2, 2, 3, 4))), dict(image=L(R(1, 1, 2, 2, 1)))],
    "PorterDuffImageComposite": [dict(source=L(R(11, 1, 3, 4, 3)), source_alpha=L(R(12, 1, 3, 4, steps=4)), destination=L(R(13, 1, 3, 4, 3)), destination_alpha=L(R(14, 1, 3, 4, steps=4)), mode=m) for m in (
        "ADD", "CLEAR", "DARKEN", "DST", "DST_ATOP", "DST_IN", "DST_OUT", "DST_OVER", "LIGHTEN", "MULTIPLY", "OVERLAY", "SCREEN", "SRC", "SRC_ATOP", "SRC_IN", "SRC_OUT", "SRC_OVER", "XOR")]
    + [dict(source=L(R(11, 2, 5, 7, 3)), source_alpha=L(R(12, 2, 4, 9)), destination=L(R(13, 3, 8, 6, 3)), destination_alpha=L(R(14, 2, 3, 3)), mode="SRC_OVER"),
       dict(source=L(R(11, 1, 5, 7, 3)), source_alpha=L(R(12, 1, 8, 6)), destination=L(R(13, 1, 8, 6, 3)), destination_alpha=L(R(14, 1, 5, 7)), mode="OVERLAY")],
}
