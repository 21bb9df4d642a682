"""Files of tensors and state dicts."""
import collections
import json
import struct

import folder_paths


class StateDict(dict):
    """A state dict that remembers the file it came from, for the functions that hand it on to native loaders."""

    path = None


def load_torch_file(ckpt, safe_load=False, device=None, return_metadata=False):
    """A state dict; pickles may hold tensors only."""
    import torch

    path = str(ckpt)
    metadata = None
    device = "cpu" if device is None else device
    if path.lower().endswith((".safetensors", ".sft")):
        from safetensors import safe_open

        with safe_open(path, framework="pt", device=str(device)) as file:
            state = {key: file.get_tensor(key) for key in file.keys()}
            metadata = file.metadata()
    else:
        state = torch.load(path, map_location=device, weights_only=True)
        if isinstance(state, dict) and len(state) == 1 and isinstance(next(iter(state.values())), dict) or isinstance(state, dict) and "state_dict" in state:
            state = state.get("state_dict") or next(iter(state.values()))
    if isinstance(state, dict):
        state = StateDict(state)
        state.path = path
    return (state, metadata) if return_metadata else state


def path_of(state_dict):
    """Of the file that load_torch_file() read it from."""
    path = getattr(state_dict, "path", None)
    if path is None:
        raise NotImplementedError("models can't be made from weights in Darkroom: only of what comfy.utils.load_torch_file() read from the model folders")
    return path


def save_torch_file(sd, ckpt, metadata=None):
    from safetensors.torch import save_file

    save_file(dict(sd), ckpt, metadata=metadata)


def safetensors_header(safetensors_path, max_size=100 * 1024 * 1024):
    """The JSON text of a file's header as bytes; None when it is longer than `max_size` bytes."""
    with open(safetensors_path, "rb") as file:
        length, = struct.unpack("<Q", file.read(8))
        return None if length > max_size else file.read(length)


def header_of(path):
    return json.loads(safetensors_header(path))


def calculate_parameters(sd, prefix=""):
    """How many numbers the tensors below `prefix` hold."""
    return sum(tensor.nelement() for key, tensor in sd.items() if key.startswith(prefix))


def weight_dtype(sd, prefix=""):
    """The dtype of most numbers below `prefix`; None without any."""
    counts = collections.Counter()
    for key, tensor in sd.items():
        if key.startswith(prefix):
            counts[tensor.dtype] += tensor.numel()
    return counts.most_common(1)[0][0] if counts else None


def convert_sd_to(state_dict, dtype):
    for key in list(state_dict):
        state_dict[key] = state_dict[key].to(dtype)
    return state_dict


def state_dict_key_replace(state_dict, keys_to_replace):
    for old, new in keys_to_replace.items():
        if old in state_dict:
            state_dict[new] = state_dict.pop(old)
    return state_dict


def state_dict_prefix_replace(state_dict, replace_prefix, filter_keys=False):
    """`filter_keys`: a new dict of what had one of the prefixes; else the keys change in place."""
    made = {} if filter_keys else state_dict
    for old, new in replace_prefix.items():
        for key in [key for key in state_dict if key.startswith(old)]:
            made[new + key[len(old):]] = state_dict.pop(key)
    return made


def name_below(path, *kinds):
    """(kind, the name that lists show) of a model file by its whole path. Raises FileNotFoundError for one that lies in none of these folders."""
    import os

    wanted = os.path.realpath(path)
    for kind in kinds:
        for folder in folder_paths.get_folder_paths(kind):
            if os.path.realpath(folder) == os.path.commonpath((os.path.realpath(folder), wanted)):
                return kind, os.path.relpath(wanted, os.path.realpath(folder))
    raise FileNotFoundError(f"{path} lies below none of the model folders {', '.join(kinds)}: Darkroom loads by the names in these folders")
