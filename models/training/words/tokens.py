"""CLIP's byte-pair tokenizer for what captions are made of (lower-case ASCII), over the vocabulary that Darkroom itself reads."""
import gzip
import re
from functools import cache
from pathlib import Path

VOCABULARY = Path(__file__).resolve().parents[3] / "src/diffusion/vocabulary/bpe_simple_vocab_16e6.txt.gz"
START, END, LENGTH = 49406, 49407, 77
MERGES = 49152 - 256 - 2  # of the file's, that CLIP takes


def letters():
    """Each byte's character, in the order of the vocabulary."""
    kept = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    shown = {byte: chr(byte) for byte in kept}
    for byte in range(256):
        if byte not in shown:
            shown[byte] = chr(256 + len(shown) - len(kept))
    return shown


@cache
def vocabulary():
    """Token -> id, and pair -> rank."""
    lines = gzip.decompress(VOCABULARY.read_bytes()).decode().split("\n")[1:MERGES + 1]
    pairs = [tuple(line.split()) for line in lines]
    single = list(letters().values())
    tokens = single + [one + "</w>" for one in single] + ["".join(pair) for pair in pairs] + ["<|startoftext|>", "<|endoftext|>"]
    return {token: i for i, token in enumerate(tokens)}, {pair: i for i, pair in enumerate(pairs)}


@cache
def word_ids(word):
    ids, ranks = vocabulary()
    shown = letters()
    parts = [shown[byte] for byte in word.encode()]
    parts[-1] += "</w>"
    while len(parts) > 1:
        best = min(zip(parts, parts[1:]), key=lambda pair: ranks.get(pair, MERGES))
        if best not in ranks:
            break
        merged, i = [], 0
        while i < len(parts):
            pair = tuple(parts[i:i + 2])
            merged.append("".join(pair) if pair == best else parts[i])
            i += 2 if pair == best else 1
        parts = merged
    return tuple(ids[part] for part in parts)


def tokens(text):
    """The ids of a text without marks."""
    words = re.findall(r"'(?:s|t|re|ve|m|ll|d)|[a-z]+|[0-9]|[^\sa-z0-9]+", text.lower())
    return [id for word in words for id in word_ids(word)]


def prompt(text):
    """LENGTH ids: start, the text, end marks to fill up."""
    ids = tokens(text)[:LENGTH - 2]
    return [START, *ids] + [END] * (LENGTH - 1 - len(ids))
