# Cases of the dataset family: lists of texts and images.
R = random_tensor
TEXTS = MANY(["  A cat, sitting ", "dog", "Größe", ""])
IMAGES = [R(i + 1, 1, 3 + i % 2, 4, 3) for i in range(5)]
ONE = L(R(7, 2, 6, 9, 3))

CASES = {
    "AddTextPrefix": [dict(texts="cat", prefix="a "), dict(texts=TEXTS, prefix="x: ")],
    "AddTextSuffix": [dict(texts="cat", suffix="!"), dict(texts=TEXTS, suffix="")],
    "ReplaceText": [dict(texts="a cat", find="a", replace="b"), dict(texts=TEXTS, find="", replace="-"), dict(texts="x", find="y", replace="z")],
    "StripWhitespace": [dict(texts="  \t a \n"), dict(texts=TEXTS), dict(texts="\u00a0x\u3000")],
    "TextToLowercase": [dict(texts="ÄÖ ΟΔΟΣ İ"), dict(texts=TEXTS)],
    "TextToUppercase": [dict(texts="straße ﬁ ŉ"), dict(texts=TEXTS)],
    "TruncateText": [dict(texts="Größe 😀 abc", max_length=m) for m in (1, 6, 7, 77)],
    "MergeTextLists": [dict(texts="a"), dict(texts=TEXTS), dict(texts=MANY([]))],
    "MergeImageLists": [dict(images=MANY([])), dict(images=ONE), dict(images=MANY(IMAGES)), dict(images=MANY([R(1, 2, 2, 2, 3), R(2, 1, 2, 2, 3)]))],
    "ShuffleDataset": [dict(images=MANY([]), seed=1)] + [dict(images=MANY([T([1, 1, 1, 1], [i]) for i in range(n)]), seed=s) for n, s in ((1, 0), (2, 0), (3, 5), (5, 0), (5, 1), (10, 42), (17, 123456789), (30, 2**32 - 1), (6, 2**32), (6, 2**63 + 5), (6, 2**64 - 1))],
    "ShuffleImageTextDataset": [dict(images=MANY([T([1, 1, 1, 1], [i]) for i in range(n)]), texts=MANY([f"t{i}" for i in range(m)]), seed=s) for n, m, s in ((5, 5, 0), (5, 5, 42), (3, 5, 1), (5, 3, 1), (1, 1, 7), (6, 6, 2**40))]
    + [dict(images=MANY([T([2, 1, 1, 1], [0, 1])]), texts=MANY(["a", "b"]), seed=1)],
    "AdjustBrightness": [dict(images=ONE, factor=f) for f in (0.0, 0.5, 1.0, 1.7)] + [dict(images=MANY(IMAGES[:2]), factor=1.5)],
    "AdjustContrast": [dict(images=ONE, factor=f) for f in (0.0, 0.5, 1.0, 1.7)] + [dict(images=L(R(8, 1, 2, 2, 4)), factor=0.5), dict(images=MANY(IMAGES[:2]), factor=1.5)],
    "NormalizeImages": [dict(images=ONE, mean=0.5, std=0.5), dict(images=ONE, mean=0.1, std=0.001), dict(images=MANY(IMAGES[:2]), mean=0.25, std=0.5)],
    "CenterCropImages": [dict(images=L(R(7, 1, 6, 9, 3)), width=w, height=h) for w, h in ((4, 4), (5, 3), (9, 6), (20, 4), (4, 20), (1, 1), (20, 20))],
    "RandomCropImages": [dict(images=L(R(7, 1, 16, 19, 3)), width=w, height=h, seed=s) for w, h, s in ((4, 4, 0), (4, 4, 1), (5, 3, 42), (19, 16, 3), (30, 4, 5), (4, 30, 6), (3, 3, 2**32 + 7), (3, 3, 2**64 - 1), (1, 1, 12345))]
    + [dict(images=L(R(7, 1, 4, 5, 3)), width=4, height=4, seed=s) for s in range(4)]
    + [dict(images=MANY([R(7, 1, 9, 9, 3), R(8, 1, 9, 9, 3)]), width=3, height=3, seed=4)],
    "ResizeImagesByShorterEdge": [dict(images=L(R(7, 1, 6, 9, 3)), shorter_edge=e) for e in (3, 4, 6, 11)] + [dict(images=MANY(IMAGES[:2]), shorter_edge=5), dict(images=L(R(9, 1, 7, 10, 3)), shorter_edge=5), dict(images=L(R(9, 1, 7, 10, 4)), shorter_edge=5), dict(images=L(R(1, 1, 40, 1, 3)), shorter_edge=4), dict(images=L(R(1, 1, 5, 5, 3)), shorter_edge=3)],
    "ResizeImagesByLongerEdge": [dict(images=L(R(7, 1, 6, 9, 3)), longer_edge=e) for e in (3, 4, 9, 11)] + [dict(images=L(R(7, 2, 9, 6, 3)), longer_edge=4), dict(images=MANY(IMAGES[:2]), longer_edge=5), dict(images=L(R(9, 1, 7, 10, 3)), longer_edge=5), dict(images=L(R(1, 1, 29, 13, 3)), longer_edge=17)],
    "ImageDeduplication": [
        dict(images=MANY([R(1, 1, 16, 16, 3), R(2, 1, 16, 16, 3), R(1, 1, 16, 16, 3)]), similarity_threshold=0.95), dict(images=MANY(IMAGES), similarity_threshold=0.0), dict(images=MANY(IMAGES), similarity_threshold=0.5),
        dict(images=MANY(IMAGES), similarity_threshold=1.0), dict(images=MANY([T([1, 2, 2, 3], [0.5] * 12)] * 3), similarity_threshold=1.0), dict(images=MANY([]), similarity_threshold=0.9), dict(images=MANY([R(1, 1, 4, 4, 4), R(1, 1, 4, 4, 3)]), similarity_threshold=0.9),
        dict(images=MANY([R(i, 1, 9, 8, 3) for i in range(1, 13)]), similarity_threshold=0.6), dict(images=MANY([R(i, 1, 9, 8, 3) for i in range(1, 13)]), similarity_threshold=0.55),
        dict(images=MANY([T([1, 8, 8, 3], [0.25] * 192), T([1, 8, 8, 3], [0.0] * 3 + [1.0] * 189), T([1, 8, 8, 3], [1.0] * 3 + [0.0] * 189)]), similarity_threshold=0.9),
        *(dict(images=MANY([R(i, 1, 12, 11, 3, steps=3) for i in range(20, 30)]), similarity_threshold=t) for t in (0.45, 0.5, 0.53125, 0.57, 0.6)),
    ],
    "ImageGrid": [
        dict(images=MANY(IMAGES[:3]), columns=2, cell_width=32, cell_height=33, padding=3), dict(images=MANY([IMAGES[0]]), columns=2, cell_width=32, cell_height=40, padding=2),
        dict(images=MANY([]), columns=2, cell_width=32, cell_height=32, padding=1), dict(images=MANY([R(1, 1, 4, 4, 4)]), columns=1, cell_width=32, cell_height=32, padding=1),
    ],
    "ResolutionBucket": [
        dict(latents=MANY([D(samples=R(1, 1, 4, 3, 2)), D(samples=R(2, 1, 4, 2, 3)), D(samples=R(3, 1, 4, 3, 2))]), conditioning=MANY([LIST(LIST(T([1, 1, 1], [i]), D())) for i in range(3)])),
        dict(latents=MANY([D(samples=R(1, 1, 4, 3, 2)), D(samples=R(1, 2, 4, 3, 2))]), conditioning=MANY([LIST(*(LIST(T([1, 1, 1], [i]), D()) for i in p)) for p in ((0, 1), (2, 3))])),
        dict(latents=MANY([D(samples=R(1, 2, 4, 3, 2)), D(samples=R(1, 1, 2, 3, 2))]), conditioning=MANY([LIST(*(LIST(T([1, 1, 1], [i]), D()) for i in p)) for p in ((0, 1), (2, 3))])),
        dict(latents=MANY([D(samples=R(1, 1, 4, 2, 3)), D(samples=R(2, 1, 4, 3, 2)), D(samples=R(3, 1, 4, 2, 3))]), conditioning=MANY([LIST(LIST(T([1, 1, 1], [i]), D())) for i in range(3)])),
        dict(latents=MANY([D(samples=R(1, 2, 4, 2, 3)), D(samples=R(2, 1, 4, 2, 3))]), conditioning=MANY([LIST(LIST(T([1, 1, 1], [i]), D())) for i in range(2)])),
        dict(latents=MANY([D(samples=R(1, 1, 4, 2, 3)), D(samples=R(2, 1, 4, 2, 3))]), conditioning=MANY([LIST(LIST(T([1, 1, 1], [0]), D()))])),
        dict(latents=MANY([D(samples=R(1, 2, 4, 2, 3))]), conditioning=MANY([LIST(LIST(T([1, 1, 1], [0]), D()), LIST(T([1, 1, 1], [1]), D()))])),
    ],
}
