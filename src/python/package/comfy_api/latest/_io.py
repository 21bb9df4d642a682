"""Schemas of V3 classes: types of inputs and outputs, the class to derive from, what it returns.

Every Input and Output takes keywords that it does not know: newer packs name options that older servers never heard of.
"""
import enum

from darkroom_host.host_modules import rest

from ._first_form import FirstForm

__getattr__ = rest("comfy_api.latest._io")


class Hidden(str, enum.Enum):
    unique_id = "UNIQUE_ID"
    prompt = "PROMPT"
    extra_pnginfo = "EXTRA_PNGINFO"
    dynprompt = "DYNPROMPT"
    auth_token_comfy_org = "AUTH_TOKEN_COMFY_ORG"
    api_key_comfy_org = "API_KEY_COMFY_ORG"


class NumberDisplay(str, enum.Enum):
    number = "number"
    slider = "slider"
    color = "color"


class ControlAfterGenerate(str, enum.Enum):
    fixed = "fixed"
    increment = "increment"
    decrement = "decrement"
    randomize = "randomize"


class FolderType(str, enum.Enum):
    input = "input"
    output = "output"
    temp = "temp"


class UploadType(str, enum.Enum):
    image = "image_upload"
    audio = "audio_upload"
    video = "video_upload"
    model = "file_upload"


def _said(**options):
    """Those that were given, in their order."""
    return {key: getattr(value, "value", value) for key, value in options.items() if value is not None}


class Input:
    """A socket. Subclasses add options to `own()`."""

    io_type = "*"

    def __init__(self, id, display_name=None, optional=False, tooltip=None, lazy=None, extra_dict=None, raw_link=None, **unknown):
        self.id, self.display_name, self.optional, self.tooltip, self.lazy, self.raw_link = id, display_name, optional, tooltip, lazy, raw_link
        self.extra_dict = extra_dict or {}

    def get_io_type(self):
        return self.io_type

    def own(self):
        return {}

    def options(self):
        return {**_said(display_name=self.display_name, tooltip=self.tooltip, lazy=self.lazy, rawLink=self.raw_link), **self.extra_dict, **self.own()}

    def spec(self):
        """[type, options], as /object_info shows it."""
        return [self.get_io_type(), self.options()]


class WidgetInput(Input):
    named = {}  # keyword of the constructor -> option, beside those of all

    def __init__(self, id, display_name=None, optional=False, tooltip=None, lazy=None, default=None, socketless=None, widget_type=None, force_input=None,
                 extra_dict=None, raw_link=None, **more):
        super().__init__(id, display_name, optional, tooltip, lazy, extra_dict, raw_link)
        self.default, self.socketless, self.widget_type, self.force_input = default, socketless, widget_type, force_input
        self.more = _said(**{option: more.get(keyword) for keyword, option in self.named.items()})

    def own(self):
        return {**_said(default=self.default, socketless=self.socketless, widgetType=self.widget_type, forceInput=self.force_input), **self.more}


class Output:
    io_type = "*"
    matchtype = ""

    def __init__(self, id=None, display_name=None, tooltip=None, is_output_list=False, **unknown):
        self.id, self.display_name, self.tooltip, self.is_output_list = id, display_name, tooltip, is_output_list

    def get_io_type(self):
        return self.io_type


def _type(name, io_type, base=Input):
    """A namespace with Input and Output of a type."""
    return type(name, (), {"io_type": io_type, "Type": object, "Input": type("Input", (base,), {"io_type": io_type}), "Output": type("Output", (Output,), {"io_type": io_type})})


def Custom(io_type):
    return _type(io_type, io_type)


def comfytype(io_type, **_):
    """A decorator: the class becomes a type of this name."""
    def named(cls):
        cls.io_type = io_type
        for side, base in (("Input", Input), ("Output", Output)):
            own = cls.__dict__.get(side)
            setattr(cls, side, type(side, (base,), {"io_type": io_type}) if own is None else own)
            getattr(cls, side).io_type = io_type
        return cls

    return named


class ComfyTypeI:
    """Bases of types that packs make."""

    Type = object
    io_type = "*"
    Input = Input


class ComfyTypeIO(ComfyTypeI):
    Output = Output


class RemoteOptions:
    """Choices that the editor fetches itself."""

    def __init__(self, route, refresh_button, control_after_refresh="first", timeout=None, max_retries=None, refresh=None):
        self._told = _said(route=route, refresh_button=refresh_button, control_after_refresh=control_after_refresh, timeout=timeout, max_retries=max_retries, refresh=refresh)

    def as_dict(self):
        return self._told


for _name, _io_type in {
    "Image": "IMAGE", "Mask": "MASK", "Latent": "LATENT", "Conditioning": "CONDITIONING", "Sampler": "SAMPLER", "Sigmas": "SIGMAS", "Noise": "NOISE",
    "Guider": "GUIDER", "Clip": "CLIP", "ControlNet": "CONTROL_NET", "Vae": "VAE", "Model": "MODEL", "ClipVision": "CLIP_VISION",
    "ClipVisionOutput": "CLIP_VISION_OUTPUT", "StyleModel": "STYLE_MODEL", "Gligen": "GLIGEN", "UpscaleModel": "UPSCALE_MODEL", "Audio": "AUDIO", "Video": "VIDEO",
    "SVG": "SVG", "LoraModel": "LORA_MODEL", "LossMap": "LOSS_MAP", "Voxel": "VOXEL", "Mesh": "MESH", "Hooks": "HOOKS", "HookKeyframes": "HOOK_KEYFRAMES",
    "TimestepsRange": "TIMESTEPS_RANGE", "LatentOperation": "LATENT_OPERATION", "FlowControl": "FLOW_CONTROL", "Accumulation": "ACCUMULATION", "Photomaker": "PHOTOMAKER",
    "Webcam": "WEBCAM", "Point": "POINT", "FaceAnalysis": "FACE_ANALYSIS", "BBOX": "BBOX", "SEGS": "SEGS", "AnyType": "*", "Load3D": "LOAD_3D",
    "Load3DCamera": "LOAD3D_CAMERA", "WanCameraEmbedding": "WAN_CAMERA_EMBEDDING", "AudioEncoder": "AUDIO_ENCODER", "AudioEncoderOutput": "AUDIO_ENCODER_OUTPUT",
    "ModelPatch": "MODEL_PATCH", "Tracks": "TRACKS", "LatentUpscaleModel": "LATENT_UPSCALE_MODEL", "Load3DAnimation": "LOAD_3D_ANIMATION", "BoundingBox": "BOUNDING_BOX",
}.items():
    globals()[_name] = _type(_name, _io_type)


def _widget(name, io_type, **named):
    namespace = _type(name, io_type, WidgetInput)
    namespace.Input.named = named
    return namespace


Int = _widget("Int", "INT", min="min", max="max", step="step", control_after_generate="control_after_generate", display_mode="display")
Float = _widget("Float", "FLOAT", min="min", max="max", step="step", round="round", display_mode="display")
Boolean = _widget("Boolean", "BOOLEAN", label_on="label_on", label_off="label_off")


class String(_type("String", "STRING")):
    class Input(WidgetInput):
        io_type = "STRING"
        named = {"multiline": "multiline", "placeholder": "placeholder", "dynamic_prompts": "dynamicPrompts"}

        def __init__(self, id, *args, multiline=False, **more):
            super().__init__(id, *args, multiline=multiline, **more)


class Combo(_type("Combo", "COMBO")):
    class Input(WidgetInput):
        io_type = "COMBO"
        named = {"control_after_generate": "control_after_generate", "image_folder": "image_folder", "remote": "remote"}
        multiselect = False

        def __init__(self, id, options=None, *args, upload=None, remote=None, **more):
            super().__init__(id, *args, remote=remote.as_dict() if hasattr(remote, "as_dict") else remote, **more)
            if isinstance(options, type) and issubclass(options, enum.Enum):
                options = [one.value for one in options]
            self.default = getattr(self.default, "value", self.default)
            self.choices = _said(options=None if options is None else list(options))
            self.upload = {} if upload is None else {getattr(upload, "value", upload): True}

        def own(self):
            return {**super().own(), "multiselect": self.multiselect, **self.choices, **self.upload}


class MultiCombo(_type("MultiCombo", "COMBO")):
    class Input(Combo.Input):
        multiselect = True


class MultiType:
    class Input(Input):
        def __init__(self, id, types, *args, **more):
            self.types = [getattr(one, "io_type", one) for one in types]
            super().__init__(id.id if isinstance(id, Input) else id, *args, **more)

        def get_io_type(self):
            return ",".join(self.types)


class MatchType:
    io_type = "COMFY_MATCHTYPE_V3"

    class Template:
        def __init__(self, template_id, allowed_types=AnyType):  # noqa: F821 - made above
            kinds = allowed_types if isinstance(allowed_types, (list, tuple)) else [allowed_types]
            self.template_id, self.allowed_types = template_id, [getattr(one, "io_type", one) for one in kinds]

        def as_dict(self):
            return {"template_id": self.template_id, "allowed_types": ",".join(self.allowed_types)}

    class Input(Input):
        io_type = "COMFY_MATCHTYPE_V3"

        def __init__(self, id, template, *args, **more):
            super().__init__(id, *args, **more)
            self.template = template

        def own(self):
            return {"template": self.template.as_dict()}

    class Output(Output):
        io_type = "COMFY_MATCHTYPE_V3"

        def __init__(self, template, id=None, **more):
            super().__init__(id, **more)
            self.matchtype = template.template_id


def _required(inputs):
    """{"required": {id: spec}, "optional"?: {...}} of inputs within an input."""
    shown = {"required": {one.id: one.spec() for one in inputs if not one.optional}}
    optional = {one.id: one.spec() for one in inputs if one.optional}
    return {**shown, **({"optional": optional} if optional else {})}


class Autogrow:
    io_type = "COMFY_AUTOGROW_V3"

    class TemplatePrefix:
        def __init__(self, input, prefix, min=1, max=10):
            self.input, self.rest = input, {"prefix": prefix, "min": min, "max": max}

    class TemplateNames:
        def __init__(self, input, names, min=1):
            self.input, self.rest = input, {"names": list(names), "min": min}

    class Input(Input):
        io_type = "COMFY_AUTOGROW_V3"

        def __init__(self, id, template, *args, **more):
            super().__init__(id, *args, **more)
            self.template = template
            if isinstance(template.input, WidgetInput):
                template.input.force_input = True  # its members are sockets

        def own(self):
            return {"template": {"input": {"required": {self.template.input.id: self.template.input.spec()}}, **self.template.rest}}


class DynamicCombo:
    io_type = "COMFY_DYNAMICCOMBO_V3"

    class Option:
        def __init__(self, key, inputs):
            self.key, self.inputs = key, inputs

        def as_dict(self):
            return {"key": self.key, "inputs": _required(self.inputs)}

    class Input(Input):
        io_type = "COMFY_DYNAMICCOMBO_V3"

        def __init__(self, id, options, *args, **more):
            super().__init__(id, *args, **more)
            self.choices = options

        def own(self):
            return {"options": [one.as_dict() for one in self.choices]}


class Schema:
    def __init__(self, node_id, display_name=None, category="sd", inputs=None, outputs=None, hidden=None, description="", is_input_list=False, is_output_node=False,
                 is_deprecated=False, is_experimental=False, is_api_node=False, not_idempotent=False, enable_expand=False, **unknown):
        self.node_id, self.display_name, self.category, self.description = node_id, display_name, category, description
        self.inputs, self.outputs, self.hidden = list(inputs or []), list(outputs or []), list(hidden or [])
        self.is_input_list, self.is_output_node, self.is_deprecated, self.is_experimental = is_input_list, is_output_node, is_deprecated, is_experimental
        self.is_api_node, self.not_idempotent, self.enable_expand = is_api_node, not_idempotent, enable_expand
        if is_output_node:
            self.hidden += [kind for kind in (Hidden.prompt, Hidden.extra_pnginfo) if kind not in self.hidden]


class HiddenHolder:
    """`cls.hidden` within a call: None for what was not asked for."""

    def __init__(self, values=None):
        self._values = values or {}

    def __getattr__(self, name):
        if name in Hidden.__members__:
            return self._values.get(name)
        raise AttributeError(name)


class ComfyNode(FirstForm):
    """A V3 class: define_schema() and execute(), and where wanted validate_inputs(), fingerprint_inputs(), check_lazy_status()."""

    hidden = HiddenHolder()
    SCHEMA = None

    @classmethod
    def define_schema(cls):
        raise NotImplementedError("define_schema")

    @classmethod
    def execute(cls, **kwargs):
        raise NotImplementedError("execute")

    @classmethod
    def GET_SCHEMA(cls):
        return cls.define_schema()

    @classmethod
    def GET_BASE_CLASS(cls):
        return ComfyNode


class NodeOutput:
    """io.NodeOutput(value, value, ui=..., expand=..., block_execution="why")."""

    def __init__(self, *args, ui=None, expand=None, block_execution=None):
        self.args, self.ui, self.expand, self.block_execution = args, ui, expand, block_execution

    @property
    def result(self):
        return self.args if self.args else None

    def __getitem__(self, index):
        return self.args[index]

    @classmethod
    def from_dict(cls, data):
        """Of what a node of the first form returns: {"result", "ui", "expand"}."""
        return cls(*(data.get("result") or ()), ui=data.get("ui"), expand=data.get("expand"))


