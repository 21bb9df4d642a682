"""Two nodes that let a recorder see every value of a running server: ProbeMake gives any value, ProbeDump tells what it got."""
import json

import torch


class AnyType(str):
    def __ne__(self, other):
        return False


ANY = AnyType("*")


def decode(value):
    if isinstance(value, dict):
        if "shape" in value:
            dtype = getattr(torch, value.get("dtype", "float32"))
            return torch.tensor(value["data"], dtype=torch.float64).reshape(value["shape"]).to(dtype)
        if "dict" in value:
            return {k: decode(v) for k, v in value["dict"].items()}
        if "list" in value:
            return [decode(v) for v in value["list"]]
    return value


def encode(value):
    if isinstance(value, torch.Tensor):
        out = {"shape": list(value.shape), "data": [float(x) for x in value.flatten().tolist()]}
        if value.dtype != torch.float32:
            out["dtype"] = str(value.dtype).replace("torch.", "")
        return out
    if isinstance(value, dict):
        return {"dict": {str(k): encode(v) for k, v in value.items()}}
    if isinstance(value, (list, tuple)):
        return {"list": [encode(v) for v in value]}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return {"object": str(type(value))}


class ProbeMake:
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"json": ("STRING", {"multiline": True})}}

    RETURN_TYPES = (ANY,)
    FUNCTION = "run"
    CATEGORY = "probe"

    def run(self, json_text=None, **kwargs):
        return (decode(json.loads(kwargs.get("json", json_text))),)


class ProbeList(ProbeMake):
    OUTPUT_IS_LIST = (True,)

    def run(self, **kwargs):
        return ([decode(v) for v in json.loads(kwargs["json"])],)


class ProbeDump:
    """Takes the whole list that a slot gave."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"value": (ANY, {})}}

    RETURN_TYPES = ()
    FUNCTION = "run"
    OUTPUT_NODE = True
    INPUT_IS_LIST = True
    CATEGORY = "probe"

    def run(self, value):
        return {"ui": {"json": [json.dumps([encode(v) for v in value])]}}


NODE_CLASS_MAPPINGS = {"ProbeMake": ProbeMake, "ProbeList": ProbeList, "ProbeDump": ProbeDump}
