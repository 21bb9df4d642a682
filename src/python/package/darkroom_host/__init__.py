"""The Python side of the worker: loads packs, describes their classes and calls their nodes.  C++ (src/python) calls what this module
exports; packs never import it."""
import inspect
import logging
import traceback

import _darkroom
import comfy.samplers
import folder_paths
from comfy.model_management import InterruptProcessingException
from comfy_execution.graph import DynamicPrompt
from comfy_execution.graph_utils import ExecutionBlocker, GraphBuilder
from server import PromptServer

from . import current, flags, forks, loop, packs
from .handles import Handle
from .handles import make as handle
from .lists import choices
from .logs import connect_logging
from .packs import load_packs, taken
from .patches import adapted
from .plain import text

__all__ = ["ExecutionBlocker", "Handle", "adapted", "blocker", "call", "call_later", "choices", "describe_exception", "enter_folders", "handle", "handled_prompt", "load_packs", "opened", "start", "taken"]


def start(told):
    """`told`: {"folders": as Folders::to_json has them, "server": its flags, "samplers", "schedulers": names}."""
    connect_logging()
    folder_paths.use(told["folders"])
    flags.given.update(told["server"])
    PromptServer.instance.address, PromptServer.instance.port = told["server"].get("listen", "127.0.0.1"), told["server"].get("port", 8188)
    comfy.samplers.use(told["samplers"], told["schedulers"])
    _darkroom.use_interrupt(InterruptProcessingException)
    forks.watch()
    loop.start()


def opened(door):
    """After the packs were imported: starts serving their routes over the socket `door`. What the gateway is to know of the packs, as JSON:
    {"packs": what became of each, "pack_routes": where their routes lie, or null, "prompt_hook": do they want to see prompts?}."""
    try:
        routes = PromptServer.instance.declared.serve(door)
    except Exception:  # noqa: BLE001 - nodes of packs are of use without routes
        logging.error("the routes of packs can't be served:\n%s", traceback.format_exc())
        routes = None
    PromptServer.instance.serving = True
    return text({"packs": packs.report, "pack_routes": routes, "prompt_hook": bool(PromptServer.instance.on_prompt_handlers)})


def enter_folders(folders):
    """On the execution thread: a job is about to run whose files lie in `folders`: {"input", "output", "temp"}."""
    folder_paths.enter(folders)


def handled_prompt(body):
    """The body of a POST /prompt as the handlers of packs leave it, as JSON; one that fails changes nothing."""
    for handler in PromptServer.instance.on_prompt_handlers:
        try:
            body = handler(body)
        except Exception:  # noqa: BLE001
            logging.warning("a prompt handler failed:\n%s", traceback.format_exc())
    return text(body)


def blocker(message):
    return ExecutionBlocker(message)


def call(info, instance, arguments, number):
    """One call of a node: a tuple of results.told(), or the coroutine of an async one."""
    with current.call(number):
        node_id, _, call_index, _ = _darkroom.whose(number)
        GraphBuilder.set_default_prefix(node_id, call_index, 0)
        for name in info.dynamic_prompts:
            prompt = DynamicPrompt(_darkroom.prompt(number), _darkroom.made_nodes(number))
            arguments[name] = [prompt] if isinstance(arguments.get(name), list) else prompt
        try:
            result = info.run(instance, arguments)
        finally:
            forks.end_if_child()
        if inspect.isawaitable(result):
            return _finish(info, result)
        return info.told(result)


async def _finish(info, awaitable):
    return info.told(await awaitable)


def call_later(coroutine, number):
    """Runs it on the packs' loop; its end is told to the worker."""
    async def run():
        try:
            with current.call(number):
                result = await coroutine
        except BaseException as error:  # noqa: BLE001 - whatever it is, somebody waits for it
            _darkroom.finished(number, None, error)
        else:
            _darkroom.finished(number, result, None)

    loop.begin(run())


def describe_exception(error):
    """(type's name, text, lines of the traceback), or None for an interruption."""
    if isinstance(error, InterruptProcessingException):
        return None
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    lines = [line for line in traceback.format_tb(error.__traceback__) if "/darkroom_host/" not in line]
    return name, str(error), lines
