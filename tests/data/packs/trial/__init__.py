"""A pack for tests/e2e/test_python_packs.py: nodes that return, say and do wrong what nodes may."""
import asyncio, ctypes, os, threading, time
import comfy.utils, folder_paths
from comfy.model_management import throw_exception_if_processing_interrupted
from comfy_execution.graph_utils import ExecutionBlocker, GraphBuilder
from server import PromptServer

SEEN = {}


def node(inputs, returns=("*",), output=True, **more):
    """A class around a function of these inputs."""
    def make(function):
        body = {"INPUT_TYPES": classmethod(lambda cls: inputs), "RETURN_TYPES": returns, "FUNCTION": "go", "CATEGORY": "tests", "OUTPUT_NODE": output, "go": function, **more}
        return type(function.__name__, (), body)
    return make


ANY = {"required": {"value": ("*", {})}}


@node({"required": {"text": ("STRING", {"default": ""})}}, ("STRING",), output=False)
def Text(self, text):
    return (text,)


@node({"required": {"image": ("IMAGE",), "look": ("INT", {})}}, ("INT",), output=False)
def Pointer(self, image, look):
    """Where the picture's numbers lie; keeps the tensor, so that no other comes to lie there."""
    SEEN[look] = image
    return (image.data_ptr(),)


@node({"required": {}}, ("IMAGE", "INT"), output=False)
def Made(self):
    import torch
    image = torch.rand(1, 4, 4, 3)
    return (image, image.data_ptr())


@node(ANY)
def Same(self, value):
    return {"ui": {"same": [value is SEEN.get("object")]}, "result": (value,)}


@node({"required": {}}, output=False)
def Thing(self):
    SEEN["object"] = {"a": (1, 2), "b": {3}}
    return (SEEN["object"],)


@node({"required": {"image": ("IMAGE",)}}, ("IMAGE", "LATENT", "MASK"), output=False)
def Tensors(self, image):
    import torch
    return (1 - image, {"samples": torch.ones(1, 4, 2, 3) * 2}, image[..., 0])


@node({"required": {"latent": ("LATENT",), "mask": ("MASK",)}}, ())
def Shapes(self, latent, mask):
    return {"ui": {"latent": [list(latent["samples"].shape), float(latent["samples"].mean()), sorted(latent)], "mask": [list(mask.shape)]}}


@node({"required": {"how": ("STRING", {})}}, ())
def Misbehave(self, how):
    if how == "raise":
        raise ValueError("a reason with ümlaut")
    if how == "exit":
        os._exit(3)
    if how == "system_exit":
        raise SystemExit("out")
    if how == "crash":
        ctypes.string_at(0)
    if how == "number":
        return 7
    if how == "nothing":
        return None
    return ()


@node({"required": {"seconds": ("FLOAT", {"default": 60.0})}}, ())
def Wait(self, seconds):
    end = time.time() + seconds
    while time.time() < end:
        time.sleep(0.02)
        throw_exception_if_processing_interrupted()
    return ()


@node(ANY)
def Thread(self, value):
    def work():
        PromptServer.instance.send_sync("tests.thread", {"value": value}, None)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return (value,)


@node({"required": {}}, ())
def Say(self):
    server = PromptServer.instance
    server.send_sync("tests.one", {"client": server.client_id, "node": server.last_node_id, "odd": (1, float("nan"), "\ud800")}, server.client_id)
    server.send_sync("tests.all", {}, None)
    server.send_sync("tests.other", {}, "somebody")
    server.send_sync(7, b"bytes", server.client_id)
    return ()


async def _later(self, value):
    bar = comfy.utils.ProgressBar(2)
    await asyncio.sleep(0.05)
    bar.update(1)
    await asyncio.sleep(0.05)
    bar.update(1)
    if value == "fail":
        raise RuntimeError("later than sooner")
    return (value,)


Later = node(ANY)(_later)


class Endless:
    RETURN_TYPES, FUNCTION, CATEGORY, OUTPUT_NODE = (), "go", "tests", True

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"n": ("INT", {"default": 0})}}

    @classmethod
    def VALIDATE_INPUTS(cls, n):
        time.sleep(30 if n == 1 else 0)
        return "two is too many" if n == 2 else True

    def go(self, n):
        return ()


@node({"required": {"n": ("INT", {"default": 0, "max": 10**20})}}, ("INT",), output=False)
def Wide(self, n):
    return (n,)


async def _in_place(self, image):
    image.mul_(0)
    return (image.sum().item(),)


InPlace = node({"required": {"image": ("IMAGE",)}}, ("FLOAT",), output=False)(_in_place)


@node({"required": {}}, ())
def Folders(self):
    return {"ui": {"folders": [folder_paths.get_input_directory(), folder_paths.get_full_path("checkpoints", "nope"), folder_paths.models_dir],
                   "names": [folder_paths.get_annotated_filepath("x.png [output]")], "checkpoints": folder_paths.get_filename_list("checkpoints")}}


@node({"required": {"raises": ("BOOLEAN", {})}})
def Forks(self, raises):
    """The child comes back out of the node, too."""
    parent = os.getpid()
    os.fork()
    if raises and os.getpid() != parent:
        raise RuntimeError("in the child")
    return {"ui": {"text": [str(os.getpid() == parent)]}, "result": (1,)}


@node({"required": {"megabytes": ("INT", {"max": 100000})}})
def Leaks(self, megabytes):
    SEEN["leak"] = [bytearray(1 << 20) for _ in range(megabytes)]
    time.sleep(2)
    return (len(SEEN["leak"]),)


NODE_CLASS_MAPPINGS = {f"Test{k}": v for k, v in list(globals().items()) if isinstance(v, type) and hasattr(v, "FUNCTION")}
