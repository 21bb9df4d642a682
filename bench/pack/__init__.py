"""Trivial nodes whose cost is that of the host around them."""
import time


class BenchAdd:
    RETURN_TYPES = ("INT",)
    FUNCTION = "add"
    CATEGORY = "bench"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"value": ("INT", {"default": 0, "min": 0, "max": 2**53})}}

    def add(self, value):
        return (value + 1,)


class BenchPass:
    """Gives the picture on as it is."""
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "go_on"
    CATEGORY = "bench"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"image": ("IMAGE",)}, "optional": {"tag": ("INT", {"default": 0, "min": 0, "max": 2**53})}}

    def go_on(self, image, tag=0):
        return (image,)


class BenchOwnTime:
    """The time of one call of a trivial function by itself, in µs: what is no host's."""
    RETURN_TYPES = ("FLOAT",)
    FUNCTION = "measure"
    CATEGORY = "bench"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"tag": ("INT", {"default": 0, "min": 0, "max": 2**53})}}

    def measure(self, tag):
        node, calls = BenchAdd(), 10000
        began = time.perf_counter()
        for n in range(calls):
            node.add(n)
        return ((time.perf_counter() - began) / calls * 1e6,)


NODE_CLASS_MAPPINGS = {"BenchAdd": BenchAdd, "BenchPass": BenchPass, "BenchOwnTime": BenchOwnTime}
