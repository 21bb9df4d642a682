"""ControlNets: a copy with a picture goes into a conditioning's dict as "control"."""
import _darkroom
from darkroom_host import native
from darkroom_host.host_modules import Members, rest
from darkroom_host.objects import Facade
from darkroom_host.weights import name_below

__getattr__ = rest("comfy.controlnet")


class ControlBase(Facade):
    in_comfy = "comfy.controlnet.ControlBase"
    members = Members("comfy.controlnet.ControlBase")

    def begin(self):
        self._bare, self._hint, self.previous_controlnet = self._native, None, None
        self.strength, self.timestep_percent_range, self.extra_args = 1.0, (0.0, 1.0), {}

    @property
    def capsule(self):
        """The native object: with the picture once there is one."""
        if self._native is None:
            previous = None if self.previous_controlnet is None else self.previous_controlnet.capsule
            self._native = _darkroom.control_copy(self._bare, self._hint, float(self.strength), *(float(one) for one in self.timestep_percent_range), previous)
        return self._native

    @capsule.setter
    def capsule(self, value):
        self._native = value

    def copy(self):
        made = type(self).of(self._bare)
        made.strength, made.timestep_percent_range, made.extra_args = self.strength, self.timestep_percent_range, dict(self.extra_args)
        return made

    def set_cond_hint(self, cond_hint, strength=1.0, timestep_percent_range=(0.0, 1.0), vae=None, extra_concat=[]):
        """`cond_hint` [B,C,H,W], values 0 to 1."""
        self._hint, self.strength, self.timestep_percent_range = cond_hint.movedim(1, -1), strength, timestep_percent_range
        self._native = None
        return self

    def set_previous_controlnet(self, controlnet):
        self.previous_controlnet = controlnet
        if self._hint is not None:
            self._native = None
        return self

    def set_extra_arg(self, argument, value=None):
        if argument == "control_type":
            raise NotImplementedError("comfy.controlnet: the type of a union ControlNet is set by the node SetUnionControlNetType in Darkroom")
        self.extra_args[argument] = value

    def cleanup(self):
        """There is nothing to clean."""


class ControlNet(ControlBase):
    pass


def load_controlnet(ckpt_path, model=None, model_options={}):
    name = name_below(ckpt_path, "controlnet")[1]
    if model is not None:
        return native.values("DiffControlNetLoader", model=model, control_net_name=name)[0]
    return native.values("ControlNetLoader", control_net_name=name)[0]
