"""Native nodes of the newer form: a class with define_schema() and execute()."""
import inspect

from comfy_api.latest import io

from . import native


def build(name, wire, signature):
    execute = _execute(name, signature)
    # Callers that know the first form go by FUNCTION.
    members = {**native.outputs(wire), "FUNCTION": "EXECUTE_NORMALIZED", "__module__": signature["module"], "__doc__": wire.get("description") or None,
               "RELATIVE_PYTHON_MODULE": signature["module"], "INPUT_TYPES": classmethod(lambda cls, *_: native.input_types(name)),
               "define_schema": classmethod(lambda cls: _schema(wire)), "execute": execute, "EXECUTE_NORMALIZED": execute}
    members.update({alias: execute for alias in signature.get("aliases", ())})
    return type(signature["class"], (io.ComfyNode,), members)


def _execute(name, signature):
    parameters = native.parameters(signature)
    shape = inspect.Signature(parameters)

    def execute(cls, *args, **kwargs):
        values, ui = native.call(name, native.bound(shape, args, kwargs))
        return io.NodeOutput(*values, ui=ui)

    execute.__signature__ = inspect.Signature([inspect.Parameter("cls", inspect.Parameter.POSITIONAL_OR_KEYWORD), *parameters])
    return classmethod(execute)


def _schema(wire):
    inputs = [io.Custom(one["type"]).Input(one["name"], optional=one["section"] == "optional", extra_dict=one.get("options"))
              for one in wire["inputs"] if one["section"] != "hidden"]
    outputs = [io.Custom(one["type"]).Output(display_name=one.get("name"), is_output_list=bool(one.get("is_list"))) for one in wire["outputs"]]
    hidden = [kind for kind in io.Hidden if any(one["section"] == "hidden" and one["type"] == kind.value for one in wire["inputs"])]
    return io.Schema(wire["class"], display_name=wire.get("display_name"), category=wire.get("category", ""), description=wire.get("description", ""), inputs=inputs, outputs=outputs,
                     hidden=hidden, is_output_node=bool(wire.get("output_node")), is_input_list=bool(wire.get("input_is_list")))
