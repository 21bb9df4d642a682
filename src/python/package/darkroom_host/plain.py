"""Python values as JSON text."""
import json
import math


def plain(value):
    """What JSON can say of it: tuples become lists, numbers that JSON has not become None, anything else its text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if -2**63 <= value < 2**64 else float(value) if abs(value) < 2**1000 else None
    if isinstance(value, str):
        return str(value) if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")  # halves of pairs are no text
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {plain(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return [plain(item) for item in sorted(value, key=str)]
    if hasattr(value, "item") and getattr(value, "size", 1) == 1:  # numpy's and torch's numbers
        try:
            return plain(value.item())
        except Exception:  # noqa: BLE001
            pass
    return plain(str(value))


def text(value):
    return json.dumps(plain(value))
