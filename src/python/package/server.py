"""How nodes speak to clients."""
import _darkroom
import folder_paths
from darkroom_host import current, loop
from darkroom_host.host_modules import rest
from darkroom_host.plain import text
from darkroom_host.prompt_queue import PromptQueue
from darkroom_host.routes import Declared

__getattr__ = rest("server")


class BinaryEventTypes:
    PREVIEW_IMAGE = 1
    UNENCODED_PREVIEW_IMAGE = 2
    TEXT = 3
    PREVIEW_IMAGE_WITH_METADATA = 4


def _running():
    """(client id, prompt id, node) of what runs; handlers of routes, which anybody may call, are told nothing of a single user's job."""
    if current.number() == current.OUTSIDE and folder_paths.of_a_user():
        return "", "", ""
    return _darkroom.running()


class PromptServer:
    """`PromptServer.instance` is the server that the prompt came from."""

    instance = None

    def __init__(self):
        self.on_prompt_handlers = []
        self.serving = False  # once the packs have been imported
        self.declared = Declared()
        self.supports = ["custom_nodes_from_web"]
        self.number = 0
        self.prompt_queue = PromptQueue()
        self.sockets, self.sockets_metadata = {}, {}
        self.web_root, self.address, self.port = None, "127.0.0.1", 8188

    @property
    def routes(self):
        """aiohttp's RouteTableDef: served as written and below /api."""
        return self.declared.table

    @property
    def app(self):
        """The aiohttp application that serves the routes of all packs, and nothing else."""
        return self.declared.app

    @property
    def loop(self):
        """On which handlers of routes and async nodes run."""
        return loop.get()

    @property
    def client_id(self):
        """Of whoever submitted the prompt that runs, or ran last; None for nobody."""
        return _running()[0] or None

    @property
    def last_prompt_id(self):
        return _running()[1] or None

    @property
    def last_node_id(self):
        """The node that clients see at work; None between prompts."""
        return _running()[2] or None

    def send_sync(self, event, data, sid=None):
        """A message to the client `sid`, to all for None. `data`: what JSON can say, or bytes of a binary message whose event is a number."""
        if isinstance(data, (bytes, bytearray, memoryview)):
            _darkroom.send_binary(current.number(), int(event), bytes(data), sid)
        elif event in (BinaryEventTypes.UNENCODED_PREVIEW_IMAGE, BinaryEventTypes.PREVIEW_IMAGE) and isinstance(data, tuple):
            _darkroom.send_binary(current.number(), BinaryEventTypes.PREVIEW_IMAGE, _picture(data), sid)
        else:
            _darkroom.send(current.number(), str(event), text(data), sid)

    async def send(self, event, data, sid=None):
        self.send_sync(event, data, sid)

    async def send_json(self, event, data, sid=None):
        self.send_sync(event, data, sid)

    def send_progress_text(self, text, node_id, sid=None):
        """A text at a node: at the one that runs for its owner, at any other for the client `sid`, None: for all."""
        if sid is None and node_id in (None, _darkroom.whose(current.number())[0]):
            _darkroom.text(current.number(), str(text))
        else:
            node = str(node_id).encode()
            self.send_sync(BinaryEventTypes.TEXT, len(node).to_bytes(4, "big") + node + str(text).encode(), sid)

    def add_on_prompt_handler(self, handler):
        self.on_prompt_handlers.append(handler)
        if self.serving:
            _darkroom.wants_prompts()


def _picture(data):
    """(format, PIL image, longest side): its type as four bytes, then the file."""
    from comfy.utils import _encoded

    kind, encoded = _encoded(data)
    return (2 if kind == "PNG" else 1).to_bytes(4, "big") + encoded


PromptServer.instance = PromptServer()
