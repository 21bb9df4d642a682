"""What a picture may be called, and the table of tokens for it."""
import torch

from tokens import END, prompt, tokens

OPENINGS = ("{}", "{}", "{}", "a picture of {}", "an emoji of {}", "{} emoji", "an icon of {}", "a photo of {}", "a drawing of {}")
STYLES = {"flat": ("flat", "flat design", "simple"), "3d": ("3d", "3d render", "shiny 3d")}
VOCABULARY = 49408
UNKNOWN = 0  # the row of tokens that no caption has
OFTEN = 3    # emoji that a token must belong to, where it is in none of their names, to have a row


def article(name):
    return ("an " if name[:1] in "aeiou" else "a ") + name


class Captions:
    def __init__(self, names):
        self.names = names
        said = [*OPENINGS, "a an the and with of on in, .", *(" ".join(styles) for styles in STYLES.values())]
        found = {id for text in said for id in tokens(text)}
        bases = {}  # of a token that belongs to some emoji without being in their names: which
        for entry in names:
            for text in (entry["name"], *entry["names"]):
                found.update(tokens(text))
            for id in {id for text in entry["words"] for id in tokens(text)}:
                bases.setdefault(id, set()).add(entry["base"])
        found.update(id for id, seen in bases.items() if len(seen) >= OFTEN)
        found.update(prompt("")[:2])  # the marks
        self.rows = torch.zeros(VOCABULARY, dtype=torch.long)
        self.rows[torch.tensor(sorted(found))] = torch.arange(1, len(found) + 1)
        self.count = len(found) + 1
        self.empty = self.rows_of("")

    def rows_of(self, text):
        return self.rows[torch.tensor(prompt(text))]

    def thing(self, entry, draw):
        """What is to be seen, in words."""
        pick = lambda list: list[int(torch.randint(len(list), (), generator=draw))]
        chance = torch.rand((), generator=draw).item()
        if chance < 0.15 and entry["words"]:
            some = [pick(entry["words"]) for _ in range(1 + int(torch.randint(3, (), generator=draw)))]
            return ", ".join(dict.fromkeys(some if chance < 0.03 else [entry["name"], *some]))
        name = pick(entry["names"]) if chance < 0.4 and entry["names"] else entry["name"]
        return article(name) if pick((False, True)) and not name.endswith("s") else name

    def of(self, entries, draw):
        """A caption of a picture, or of two beside each other, all of them in one style."""
        pick = lambda list: list[int(torch.randint(len(list), (), generator=draw))]
        text = pick(OPENINGS).format(" and ".join(self.thing(entry, draw) for entry in entries))
        if pick((False, True)):
            text += ", " + pick(STYLES[entries[0]["style"]])
        return text

    def batch(self, captions, draw, whole=True):
        """[B,LENGTH] rows; now and then a word that nobody knows. Not `whole`: without the places beyond the longest caption's end, which hold end marks alone."""
        rows = torch.stack([self.rows_of(text) for text in captions])
        if not whole:
            rows = rows[:, :2 + (rows != self.rows[END]).sum(1).max().item()]
        inner = (torch.arange(rows.shape[1])[None] > 0) & (rows != self.rows[END])
        return torch.where(inner & (torch.rand(rows.shape, generator=draw) < 0.01), UNKNOWN, rows)
