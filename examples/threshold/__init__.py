"""A pack in the newer form (V3): a mask of what is brighter than a limit.  Its message tells the editor how much of the picture that is."""
from comfy_api.latest import ComfyExtension, io, ui
from server import PromptServer

MESSAGE = "darkroom.example.threshold"


class Threshold(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="ExampleThreshold",
            display_name="Threshold (example)",
            category="examples",
            description="A mask of what is brighter than the limit.",
            inputs=[
                io.Image.Input("image"),
                io.Float.Input("limit", default=0.5, min=0.0, max=1.0, step=0.01, display_mode=io.NumberDisplay.slider),
                io.Boolean.Input("invert", default=False, optional=True),
            ],
            outputs=[io.Mask.Output(display_name="mask"), io.Float.Output(display_name="share")],
            hidden=[io.Hidden.unique_id],
            is_output_node=True,
        )

    @classmethod
    def fingerprint_inputs(cls, limit, **kwargs):
        return f"{limit:.3f}"

    @classmethod
    async def execute(cls, image, limit, invert=False):
        mask = (image.mean(-1) > limit).float()
        if invert:
            mask = 1 - mask
        share = float(mask.mean())
        server = PromptServer.instance
        await server.send(MESSAGE, {"node": cls.hidden.unique_id, "share": share}, server.client_id)
        return io.NodeOutput(mask, share, ui=ui.PreviewText(f"{share:.1%}"))


class Extension(ComfyExtension):
    async def get_node_list(self):
        return [Threshold]


async def comfy_entrypoint():
    return Extension()


WEB_DIRECTORY = "./web"
