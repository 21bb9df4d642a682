"""The HTTP routes of packs: one aiohttp application on the packs' loop. It listens nowhere; the gateway hands over connected sockets.

aiohttp is imported when a pack asks for PromptServer.instance.routes or .app, and not before: it takes a third of a second."""
import asyncio
import inspect
import logging
import socket
import traceback
from urllib.parse import unquote

from . import current, loop

# Longest header of a request, bytes, and how many there may be: what the gateway takes (kMaxHeaderBytes, kMaxHeaders) and room for what it adds
# (pack_request_head()). So aiohttp refuses nothing that the gateway takes.
MAX_HEADER = (64 << 10) + 1024
MAX_HEADERS = 200 + 8
# For the on_startup handlers of packs, all together, in seconds. Beyond: what is not done by then goes on, and the packs have no routes. Well below
# the time that a worker has to say hello (WorkerTimes::start).
STARTUP_SECONDS = 20
# Tells the gateway that no pack has this route; its own fallback answers then.
UNMATCHED = "Darkroom-Unmatched"
# Connections that are taken over at one wake of the loop; more come at the next.
AT_ONCE = 16


class Declared:
    """What packs have declared. `table` and `app` are made when they are asked for first."""

    def __init__(self):
        self._table = self._app = None
        self._closed = False

    def texts(self):
        """"GET /path" for each of the table, in the order of declaring."""
        return [f"{getattr(route, 'method', 'GET')} {getattr(route, 'path', None) if hasattr(route, 'method') else route.prefix}" for route in self._table or ()]

    def __len__(self):
        return len(self._table or ())

    @property
    def table(self):
        if self._table is None:
            self._table = _table(lambda: self._closed)
        return self._table

    @property
    def app(self):
        if self._app is None:
            from aiohttp import web

            # No limit of its own: the gateway counts what it passes on (--max-upload-size).
            self._app = web.Application(client_max_size=0)
        return self._app

    def serve(self, door):
        """Starts serving over the socket with this descriptor. {"exact": paths, "prefixes": beginnings of paths}, decoded, of all that
        may have a route; None when no pack declared any. Once, after the packs were imported."""
        self._closed = True
        if door < 0 or self._table is None and self._app is None:
            return None
        register(self.app, self._table or ())
        found = patterns(self.app.router)
        # Without routes too: on_startup handlers of packs start more than what serves.
        loop.wait_for(_start(self.app, door), STARTUP_SECONDS)
        return found if found["exact"] or found["prefixes"] else None


def _table(closed):
    from aiohttp import web

    class Table(web.RouteTableDef):
        def route(self, method, path, **options):
            if closed():
                logging.warning("the route %s %s of a pack is not served: it was declared after the packs had been imported", method, path)
            return super().route(method, path, **options)

    return Table()


def register(app, table):
    """Adds the routes of the table, each also below /api. One that can't be added costs no other."""
    for prefix in ("/api", ""):
        for route in table:
            try:
                _with_prefix(route, prefix).register(app.router)
            except Exception as error:  # noqa: BLE001 - whatever a pack declared
                if not prefix:
                    logging.error("a route of a pack is left out: %s: %s (%s)", route, error, type(error).__name__)


def _with_prefix(route, prefix):
    from aiohttp import web

    if not prefix:
        return route
    if isinstance(route, web.StaticDef):
        return web.static(prefix + route.prefix, route.path, **{**route.kwargs, "name": None})
    return web.route(route.method, prefix + route.path, route.handler, **{**route.kwargs, "name": None})


def patterns(router):
    """More than the routes, never less: the gateway asks for what fits, and Python decides."""
    exact, prefixes = set(), set()
    for resource in router.resources():
        path = resource.canonical
        if not path.startswith("/"):  # of an application for one domain
            prefixes.add("/")
        elif type(resource).__name__ == "PlainResource":
            exact.add(unquote(path) or "/")
        else:
            prefixes.add(unquote(path.partition("{")[0]))
    return {"exact": sorted(exact), "prefixes": sorted(prefixes)}


async def _start(app, descriptor):
    from aiohttp import web

    app.middlewares.insert(0, _outermost(web))
    for index, handler in enumerate(app.on_startup):
        app.on_startup[index] = _guarded(handler)
    # A client that goes away does not cancel its handler: packs do work in them that is to end (a download).
    runner = web.AppRunner(app, access_log=None, handler_cancellation=False, max_line_size=MAX_HEADER, max_field_size=MAX_HEADER, max_headers=MAX_HEADERS)
    await runner.setup()
    door = socket.socket(fileno=descriptor)
    door.setblocking(False)
    asyncio.get_running_loop().add_reader(door, _take, door, runner.server)


def _outermost(web):
    @web.middleware
    async def outermost(request, handler):
        missing = request.match_info.http_exception
        if missing is not None:
            allowed = missing.headers.get("Allow")
            return web.Response(status=missing.status, headers={UNMATCHED: "1", **({"Allow": allowed} if allowed else {})})
        # What a handler sends belongs to no node's call, whichever runs.
        with current.call(current.OUTSIDE):
            return await handler(request)

    return outermost


def _guarded(handler):
    async def guarded(app):
        try:
            result = handler(app)
            if inspect.isawaitable(result):
                await result
        except Exception:  # noqa: BLE001 - one pack's failure is not the others'
            logging.error("an on_startup handler of a pack failed:\n%s", traceback.format_exc())

    return guarded


def _take(door, server):
    """Each message on the door is one descriptor: a client's request, and the way back for its reply."""
    for _ in range(AT_ONCE):
        try:
            message, descriptors, _, _ = socket.recv_fds(door, 1, 1, socket.MSG_CMSG_CLOEXEC)
        except BlockingIOError:
            return
        except OSError as error:
            logging.error("a connection for a pack's route is lost: %s", error)
            return
        if not message:  # the gateway is gone
            asyncio.get_running_loop().remove_reader(door)
            return
        for descriptor in descriptors:
            client = socket.socket(fileno=descriptor)
            client.setblocking(False)
            task = asyncio.ensure_future(asyncio.get_running_loop().connect_accepted_socket(server, client))
            _beginning.add(task)
            task.add_done_callback(_begun)


_beginning = set()  # the loop itself keeps no tasks alive


def _begun(task):
    _beginning.discard(task)
    if not task.cancelled() and task.exception():
        logging.error("a connection for a pack's route is lost: %s", task.exception())
