"""A pack for tests/e2e/test_pack_routes.py: routes of every kind, and what packs do beside them."""
import asyncio
import ctypes
import multiprocessing
import os
import pathlib
import threading
import time

from aiohttp import web
from server import PromptServer

HERE = pathlib.Path(__file__).parent
server = PromptServer.instance
routes = server.routes
STATE = {"finished": 0, "started": 0, "seen": 0}


@routes.get("/trial/hello")
async def hello(request):
    return web.json_response({"query": dict(request.rel_url.query), "cookies": dict(request.cookies), "raw": request.raw_path, "method": request.method,
                              "forwarded": request.headers.get("X-Forwarded-For"), "host": request.host, "started": STATE["started"], "x": request.app["x"]})


@routes.post("/trial/hello")
async def posted(request):
    return web.json_response({"body": await request.json()}, status=201, headers={"X-Mine": "yes"})


@routes.put("/trial/item/{name}")
@routes.patch("/trial/item/{name}")
@routes.delete("/trial/item/{name}")
async def item(request):
    return web.json_response([request.method, request.match_info["name"]])


@routes.get(r"/trial/tail/{rest:.*}")
async def tail(request):
    return web.Response(text=request.match_info["rest"])


@routes.view("/trial/view")
class View(web.View):
    async def get(self):
        return web.Response(text="got")

    async def post(self):
        return web.Response(text="posted")


@routes.post("/trial/form")
async def form(request):
    fields = await request.post()
    told = {name: field if isinstance(field, str) else [field.filename, len(field.file.read())] for name, field in fields.items()}
    response = web.json_response(told)
    response.set_cookie("a", "1")
    response.set_cookie("b", "2")
    return response


@routes.post("/trial/count")
async def count(request):
    total = 0
    async for piece in request.content.iter_chunked(1 << 16):
        total += len(piece)
    return web.json_response({"bytes": total})


@routes.post("/trial/echo")
async def echo(request):
    response = web.StreamResponse()
    await response.prepare(request)
    async for piece in request.content.iter_any():
        await response.write(piece)
    return response


@routes.post("/trial/early")
async def early(request):
    return web.Response(status=403, text="no")


@routes.get("/trial/interim")
async def interim(request):
    return web.Response(status=103)


@routes.get("/trial/headers")
async def headers(request):
    return web.json_response(len(request.headers))


@routes.get("/trial/file")
async def file(request):
    return web.FileResponse(HERE / "files/page.txt")


@routes.get("/trial/large")
async def large(request):
    response = web.StreamResponse(headers={"Content-Length": str(64 << 20)})
    await response.prepare(request)
    for _ in range(64):
        await response.write(b"x" * (1 << 20))
    return response


@routes.get("/trial/events")
async def events(request):
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for n in range(3):
        await response.write(f"data: {n}\n\n".encode())
        await asyncio.sleep(0.5)
    return response


@routes.get("/trial/slow")
async def slow(request):
    STATE["seen"] += 1
    await asyncio.sleep(1.5)
    STATE["finished"] += 1
    return web.Response()


@routes.get("/trial/state")
async def state(request):
    return web.json_response({**STATE, "pid": os.getpid(), "loop": asyncio.get_running_loop() is server.loop})


@routes.get("/trial/fail")
async def fail(request):
    raise RuntimeError("a handler broke")


@routes.get("/trial/die")
async def die(request):
    os._exit(3)


@routes.get("/trial/hang")
async def hang(request):
    STATE["seen"] += 1
    await asyncio.sleep(60)
    return web.Response()


@routes.post("/trial/child")
async def child(request):
    """A process that is started by a thread that ends, as pools of workers are."""
    process = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
    thread = threading.Thread(target=process.start)
    thread.start()
    await asyncio.to_thread(thread.join)
    return web.json_response(process.pid)


@routes.post("/trial/orphan")
async def orphan(request):
    """A fork that Python does not know of: it outlives the worker, and has all that was open."""
    pid = ctypes.PyDLL(None).fork()
    if pid == 0:
        time.sleep(60)
        os._exit(0)
    return web.json_response(pid)


@routes.get("/trial/socket")
async def socket(request):
    ws = web.WebSocketResponse()
    await ws.prepare(request)
    async for message in ws:
        if message.data == "bye":
            break
        await (ws.send_bytes(message.data[::-1]) if isinstance(message.data, bytes) else ws.send_str(message.data.upper()))
    await ws.close()
    return ws


@routes.post("/trial/send")
async def send(request):
    body = await request.json()
    if body.get("binary"):
        server.send_sync(9, body["binary"].encode(), body.get("sid"))
    else:
        server.send_sync(body["type"], body["data"], body.get("sid"))
    return web.json_response({"client_id": server.client_id, "node": server.last_node_id})


# A path of the server's own, which stays the server's; and a method that the server has not there.
@routes.get("/queue")
async def queue(request):
    return web.Response(text="not the queue")


@routes.put("/queue")
async def put_queue(request):
    return web.Response(text="put")


# Two that can't be added.
routes.get("no-slash")(hello)
routes.static("/trial/nowhere", str(HERE / "no_such_folder"))


async def added(request):
    return web.Response(text="added")


server.app.router.add_get("/trial/added", added)
server.app.add_routes([web.post("/trial/added", added), web.static("/trial/static", str(HERE / "files"))])
routes.static("/trial/table", str(HERE / "files"))
server.app["x"] = 5


@web.middleware
async def stamp(request, handler):
    response = await handler(request)
    response.headers["X-Stamp"] = "here"
    return response


server.app.middlewares.append(stamp)


async def begin(app):
    STATE["started"] += 1


async def broken(app):
    raise RuntimeError("this one never starts")


server.app.on_startup.append(broken)
server.app.on_startup.append(begin)


class Busy:
    """Computes for some seconds, and holds Python's lock as Python code does."""

    RETURN_TYPES, FUNCTION, CATEGORY, OUTPUT_NODE = ("FLOAT",), "go", "tests", True

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"seconds": ("FLOAT", {"default": 1.0})}}

    @classmethod
    def IS_CHANGED(cls, seconds):
        return float("nan")

    def go(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            sum(range(1000))
        return {"ui": {"done": [True]}, "result": (seconds,)}


NODE_CLASS_MAPPINGS = {"TrialBusy": Busy}
