"""Networks that enlarge pictures, of what comfy.utils.load_torch_file() read."""
from darkroom_host import native
from darkroom_host.host_modules import rest
from darkroom_host.weights import name_below, path_of

__getattr__ = rest("comfy_extras.chainner_models.model_loading")


def load_state_dict(state_dict):
    return native.values("UpscaleModelLoader", model_name=name_below(path_of(state_dict), "upscale_models")[1])[0]
