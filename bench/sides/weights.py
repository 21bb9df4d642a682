"""Checkpoints of real names and sizes with random weights, and inputs for single networks: made once, kept in the cache."""
import json
import math
import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = pathlib.Path(os.environ.get("DARKROOM_CACHE", pathlib.Path.home() / ".cache/darkroom")) / "bench"
UNET, VAE = "model.diffusion_model.", "first_stage_model."


class Model:
    """`sd15` or `sdxl`: its file, the picture that it is measured with, and its inputs."""

    def __init__(self, name):
        self.name = name
        self.keys = json.loads((ROOT / f"tests/data/golden/keys/{ {'sd15': 'sd15', 'sdxl': 'sdxl_base'}[name] }.json").read_text())["keys"]
        self.checkpoint = CACHE / "checkpoints" / f"{name}-random.safetensors"
        self.vae = CACHE / f"{name}-vae-random.safetensors"
        self.latent_scale = 0.18215 if name == "sd15" else 0.13025

    def inputs(self, size, batch):
        return CACHE / f"{self.name}.{size}.{batch}.safetensors"


def random_tensor(torch, generator, name, shape):
    """Keeps the size of what goes through it, as trained weights do: attention, norms and activations see ordinary numbers."""
    if name.endswith("position_ids"):
        return torch.arange(shape[-1]).reshape(shape)
    fan = math.prod(shape[1:]) if len(shape) > 1 else 1
    values = torch.randn(shape, generator=generator) * (fan ** -0.5 if len(shape) > 1 else 0.05)
    if "embedding" in name:
        values = torch.randn(shape, generator=generator) * 0.02
    if len(shape) == 1 and name.endswith("weight"):
        values += 1
    return values.half()


def make(model, size, batch):
    """Writes what is missing: the checkpoint (fp16), its autoencoder alone, and the inputs of one step."""
    import torch
    from safetensors import safe_open
    from safetensors.torch import save_file

    model.checkpoint.parent.mkdir(parents=True, exist_ok=True)
    generator = torch.Generator().manual_seed(0)
    if not model.checkpoint.exists():
        print(f"making {model.checkpoint}", flush=True)
        tensors = {name: random_tensor(torch, generator, name, info["shape"]) for name, info in model.keys.items()}
        part = model.checkpoint.with_suffix(".part")
        save_file(tensors, part)
        part.rename(model.checkpoint)
        del tensors
    if not model.vae.exists():
        with safe_open(model.checkpoint, "pt") as file:
            save_file({name[len(VAE):]: file.get_tensor(name) for name in file.keys() if name.startswith(VAE)}, model.vae)
    if not model.inputs(size, batch).exists():
        context = next(info["shape"][1] for name, info in model.keys.items() if name.startswith(UNET) and name.endswith("attn2.to_k.weight"))
        given = {"x": torch.randn(batch, 4, size // 8, size // 8, generator=generator), "timesteps": torch.full((batch,), 500.0),
                 "context": torch.randn(batch, 77, context, generator=generator), "latent": torch.randn(1, 4, size // 8, size // 8, generator=generator)}
        if label := model.keys.get(UNET + "label_emb.0.0.weight"):
            given["y"] = torch.randn(batch, label["shape"][1], generator=generator)
        save_file(given, model.inputs(size, batch))


def evict(path):
    """Asks the kernel to forget the file's pages; the share that it still holds (a process that maps them keeps them)."""
    import ctypes
    import mmap

    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        size = os.fstat(file.fileno()).st_size
        pages = (size + mmap.PAGESIZE - 1) // mmap.PAGESIZE
        with mmap.mmap(file.fileno(), size, access=mmap.ACCESS_COPY) as mapped:
            held = (ctypes.c_ubyte * pages)()
            address = ctypes.addressof(ctypes.c_char.from_buffer(mapped))
            ctypes.CDLL(None, use_errno=True).mincore(ctypes.c_void_p(address), ctypes.c_size_t(size), held)
            return sum(1 for page in held if page & 1) / pages


def warm(path):
    with open(path, "rb", buffering=0) as file:
        while file.read(1 << 24):
            pass
