"""Which part of a prompt each token belongs to: for packs that weigh the words of a part together."""
import re

_PIECES = re.compile(r"(\\[()]|[()])")
_WEIGHT = re.compile(r":\s*[+-]?\d*\.?\d+\s*$")
_EMBEDDING = re.compile(r"(embedding:[^\s,]+)")


def parts(text):
    """What parentheses and embeddings divide a prompt into, without weights; escaped parentheses stay escaped, and those that are never closed become so."""
    pieces = _PIECES.split(text)
    opened = []
    for i, piece in enumerate(pieces):
        if piece == "(":
            opened.append(i)
        elif piece == ")" and opened:
            opened.pop()
    rest = opened[0] if opened else len(pieces)
    told, current, depth = [], "", 0
    for piece in pieces[:rest]:
        if piece == "(":
            told.append(current)
            current, depth = "", depth + 1
        elif piece == ")" and depth:
            told.append(_WEIGHT.sub("", current))
            current, depth = "", depth - 1
        else:
            current += _escaped(piece)
    told += [current, "".join(_escaped(piece) for piece in pieces[rest:])]
    return [one for part in told for one in _EMBEDDING.split(part) if one]


def _escaped(piece):
    return "\\" + piece if piece in ("(", ")") else piece


def with_word_ids(chunks, text, count):
    """[(token, weight, number of the part from 1, 0 for what frames the text)] of tokens [(token, weight)]; `count(part)`: how many tokens a part has."""
    numbers = [number for number, part in enumerate(parts(text), 1) for _ in range(count(part))]
    told = []
    for chunk in chunks:
        inside = length(chunk)
        own, numbers = numbers[:inside], numbers[inside:]
        own = [0, *own] + [0] * (len(chunk) - 1 - len(own))
        told.append([(*token[:2], mark) for token, mark in zip(chunk, own)])
    return told


def length(chunk):
    """Tokens of a chunk between its start and its end, which is the token that comes before any filling."""
    end = 49407
    return next((i for i, token in enumerate(chunk[1:]) if isinstance(token[0], int) and token[0] == end), len(chunk) - 1)
