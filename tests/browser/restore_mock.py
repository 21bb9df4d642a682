"""A test double of the photo service: plays scripted jobs over the interface that the page uses. Nothing here restores anything: results are
the original with a wash of colour, figures of memory and time are made up. Tests reach into it from outside (`hold_at`, `fail`, `token`).

    python tests/browser/restore_mock.py [PORT]      # to look at the page by hand
"""
import asyncio
import io
import json
import math
import pathlib
import sys
import threading
import time
import uuid

from aiohttp import WSMsgType, web
from PIL import Image, ImageOps

WEB = pathlib.Path(__file__).resolve().parents[2] / "web"
STEPS = ["denoise", "scratch", "colorize", "upscale", "sharpen"]
COLUMNS, ROWS = 6, 4  # tiles of the upscaler
CSP = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; form-action 'self'; "
       "base-uri 'none'; frame-ancestors 'none'")
GIB = 1024 ** 3
WORDS = {"en": {"colorize": "Colourising the photo", "upscale": "Enlarging the photo", "denoise": "Removing noise", "scratch": "Repairing scratches", "sharpen": "Sharpening"},
         "zh": {"colorize": "正在上色", "upscale": "正在放大", "denoise": "正在降噪", "scratch": "正在修复划痕", "sharpen": "正在锐化"}}


def washed(picture):
    """The picture with a wash of colour: blue above, sand below, its own light and dark."""
    grey = ImageOps.autocontrast(picture.convert("L"))
    height = 64
    stops = [(0, (92, 149, 204)), (.45, (176, 200, 212)), (.56, (150, 146, 104)), (1, (186, 146, 104))]
    gradient = Image.new("RGB", (1, height))
    for y in range(height):
        at = y / (height - 1)
        (a, low), (b, high) = next((low, high) for low, high in zip(stops, stops[1:]) if at <= high[0])
        gradient.putpixel((0, y), tuple(round(p + (q - p) * (at - a) / (b - a)) for p, q in zip(low, high)))
    _, blue, red = gradient.resize(picture.size, Image.BICUBIC).convert("YCbCr").split()
    paler = [round(128 + (v - 128) * .55) for v in range(256)]
    return Image.merge("YCbCr", (grey, blue.point(paler), red.point(paler))).convert("RGB")


def heat(value):
    """A colour of the service's ramp."""
    stops = [(23, 16, 12), (106, 40, 18), (184, 81, 39), (238, 149, 90), (252, 233, 202)]
    low = min(int(value * 4), 3)
    return tuple(round(a + (b - a) * (value * 4 - low)) for a, b in zip(stops[low], stops[low + 1]))


def encoded(picture, form):
    out = io.BytesIO()
    picture.save(out, {"jpg": "JPEG"}.get(form, form.upper()), **({"quality": 85} if form != "png" else {"compress_level": 1}))
    return out.getvalue()


class Job:
    def __init__(self, service, id):
        self.service, self.id = service, id
        self.name, self.data, self.options, self.bytes = "photo", b"", {}, 0
        self.state, self.stage, self.source, self.progress, self.position = "uploading", None, None, 0, None
        self.created, self.started, self.ended = now(), None, None
        self.files = {}  # of the result, by form
        self.messages, self.changed = [], asyncio.Event()
        self.original = self.result = self.preview = None
        self.latest = ("colorize", 0, 1)  # step, piece, pieces: what the preview shows
        self.error = None
        self.cancelled = False

    # ---- messages

    def say(self, stage, progress, source=None, **more):
        self.stage, self.source = stage, source
        self.progress = max(self.progress, progress)
        words = WORDS["en"].get(source, stage.replace("_", " ").capitalize())
        self._tell({"stage": stage, "message": words, "progress": round(self.progress, 1), "source": source, **more})

    def fail(self, text, code, **more):
        self.state, self.ended, self.error = ("cancelled" if code == "cancelled" else "error"), now(), {"error": text, "code": code, **more}
        self._tell({"error": text, "code": code, "progress": 0, "stage": self.stage, "source": self.source, **more})

    def _tell(self, message):
        self.messages.append({"seq": len(self.messages) + 1, "job_id": self.id, "time": now(), **message})
        self.changed.set()
        self.changed = asyncio.Event()

    @property
    def ended_for_good(self):
        return self.state in ("complete", "error", "cancelled")

    def described(self):
        result = self.result.size if self.result else (None, None)
        original = self.original.size if self.original else (None, None)
        return {"job_id": self.id, "name": self.name, "bytes": self.bytes, "state": self.state, "position": self.position, "stage": self.stage, "source": self.source,
                "progress": self.progress, "message": "", "options": self.options, "created": self.created, "started": self.started, "ended": self.ended,
                "result_url": f"/results/{self.id}/restored.png" if self.state == "complete" else None, "original_url": f"/results/{self.id}/original",
                "width": original[0], "height": original[1], "result_width": result[0], "result_height": result[1],
                "result_bytes": self.service.bytes_of(self), "model": "tiny" if self.options.get("colorize") else None, "seq": len(self.messages),
                "expires": self.created + self.service.keep_ms, **(self.error or {})}

    # ---- the script

    async def run(self):
        self.state, self.started, self.position = "running", now(), None
        try:
            await self._play()
        except Stopped:
            self.fail("Cancelled", "cancelled")
        except Failed as failure:
            self.fail(*failure.args[:2], **failure.args[2])

    async def _step(self, stage, progress, source=None, latest=None, **more):
        """One message, unless the job is held, fails or is cancelled here."""
        service = self.service
        while True:
            if self.cancelled:
                raise Stopped
            place = (self.name, stage, source, more.get("tile", 0))
            if not (service.hold_at and service.hold_at(*place)):
                break
            service.held.add(self.id)
            await asyncio.sleep(.02)
        failure = service.fail.get(self.name)
        if failure and (failure["stage"], failure.get("source")) == (stage, source) and more.get("tile", 0) >= failure.get("tile", 0):
            self.stage, self.source = stage, source
            raise Failed(failure["error"], failure["code"], failure.get("more", {}))
        self.latest = latest or self.latest
        self.say(stage, progress, source, **more)
        await asyncio.sleep(service.tick)

    async def _play(self):
        await self._step("preprocess", 4)
        await self._step("load_model", 8, memory=self._memory(.6))
        steps = [s for s in STEPS if self.options.get(s) and (s != "upscale" or self.options[s] > 1)]
        self.preview = washed(self.original) if self.options.get("colorize") else self.original
        for i, step in enumerate(steps):
            low, high = 10 + 80 * i / len(steps), 10 + 80 * (i + 1) / len(steps)
            count = COLUMNS * ROWS if step == "upscale" else 4
            for k in range(1, count + 1):
                left = (len(steps) - i - k / count) * self.service.step_seconds
                at = self._at(k, self.options["upscale"]) if step == "upscale" else self._whole()
                seq = len(self.messages) + 1
                await self._step("inference", low + (high - low) * k / count, step, latest=(step, k, count), memory=self._memory(1.4 + .8 * math.sin(k / 3) ** 2),
                                 seconds_left=[left * .8, left * 1.6], **({"tile": k, "tiles": count, "seconds_per_tile": 12.4} if step == "upscale" else {"step_progress": 100 * k / count}),
                                 **({"preview": {"url": f"/results/{self.id}/preview?seq={seq}", **at}} if step in ("upscale", "colorize") else {}),
                                 **({"attention": {"url": f"/results/{self.id}/attention?seq={seq}"}} if step == "colorize" else {}))
        await self._step("postprocess", 95)
        factor = self.options.get("upscale") or 1
        result = self.preview.resize((self.original.width * factor, self.original.height * factor), Image.BICUBIC)
        self.files["png"] = await asyncio.to_thread(encoded, result, "png")
        self.result = result
        self.state, self.ended = "complete", now()
        self.say("complete", 100, result_url=f"/results/{self.id}/restored.png")

    def _whole(self):
        width, height = self.original.size
        return {"x": 0, "y": 0, "width": width, "height": height, "of": [width, height]}

    def _at(self, k, factor):
        """Tile `k` from 1 on, in pixels of the enlarged photo."""
        width, height = self.original.width * factor, self.original.height * factor
        row, column = divmod(k - 1, COLUMNS)
        left, top, right, bottom = (round(v) for v in (column * width / COLUMNS, row * height / ROWS, (column + 1) * width / COLUMNS, (row + 1) * height / ROWS))
        return {"x": left, "y": top, "width": right - left, "height": bottom - top, "of": [width, height]}

    def _memory(self, gigabytes):
        gpu = {"gpu": int((gigabytes + 3) * GIB), "gpu_limit": 16 * GIB} if self.service.has_gpu else {}
        return {"process": int(gigabytes * GIB), "limit": int(2.4 * GIB), **gpu}


class Stopped(Exception):
    pass


class Failed(Exception):
    pass


def now():
    return int(time.time() * 1000)


def refusal(status, code, text, **more):
    headers = {"Retry-After": str(more["retry_after"])} if "retry_after" in more else {}
    return web.json_response({"error": text, "code": code, **more}, status=status, headers=headers)


class RestoreMock:
    """A server in a thread of its own. What tests set is read at each step."""

    def __init__(self, port=0):
        self.jobs, self.held = {}, set()
        self.queue = []
        self.tick = .02                  # seconds between two messages
        self.step_seconds = 150          # what a step is said to take
        self.hold_at = None              # (name, stage, source, tile) → True: the job stays before that message
        self.fail = {}                   # name → {"stage", "source", "tile", "error", "code", "more"}
        self.token = None                # what the door wants
        self.colorizers = [{"name": "tiny", "demonstration": True}]
        self.limits = {"bytes": 20 * 1024 ** 2, "pixels": 50_000_000, "running": 3, "waiting": 20}
        self.has_gpu = True              # its memory is told as well
        self.retry_after = 1
        self.refuses = None              # (status, code): what POST /restore answers for now
        self.keep_ms = 24 * 3600 * 1000 - 60_000  # until a job's files are deleted
        self.upload_delay = 0            # seconds after each piece of an upload
        self.posts = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._port = port
        threading.Thread(target=self._serve, daemon=True).start()
        self._ready.wait(10)
        self.url = f"http://127.0.0.1:{self._port}"

    def _serve(self):
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._start())
        self._ready.set()
        self._loop.run_forever()

    async def _start(self):
        app = web.Application(client_max_size=10 ** 9, middlewares=[self._door])
        app.add_routes([
            web.get("/restore", self._page), web.static("/restore/assets", WEB / "assets"), web.post("/restore", self._post),
            web.get("/restore/info", self._info), web.get("/restore/jobs", self._list), web.get("/restore/{id}", self._get), web.delete("/restore/{id}", self._delete),
            web.get("/results/{id}/{name}", self._result), web.get("/ws/progress", self._watch), web.post("/auth/login", self._login), web.post("/auth/logout", self._logout)])
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]

    def close(self):
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)

    def release(self):
        self.hold_at = None

    # ---- HTTP

    @web.middleware
    async def _door(self, request, handler):
        free = request.path == "/restore" or request.path.startswith(("/restore/assets/", "/auth/login"))
        if self.token and not free and request.cookies.get("session") != self.token:
            return refusal(401, "login_needed", "This server asks for an access token.")
        reply = await handler(request)
        if request.path == "/restore":
            reply.headers["Content-Security-Policy"] = CSP
        return reply

    async def _page(self, _):
        return web.FileResponse(WEB / "index.html", headers={"Cache-Control": "no-cache"})

    async def _login(self, request):
        if (await request.json()).get("token") != self.token:
            return refusal(401, "unknown_token", "That token is not known.")
        reply = web.Response(status=204)
        reply.set_cookie("session", self.token, httponly=True, samesite="Strict")
        return reply

    async def _logout(self, _):
        reply = web.Response(status=204)
        reply.del_cookie("session")
        return reply

    async def _info(self, _):
        return web.json_response({
            "models": {"colorize": self.colorizers, "upscale": ["realesr-animevideov3"], "denoise": ["ffdnet_color"]}, "limits": self.limits, "keep_hours": 24,
            "running": sum(job.state == "running" for job in self.jobs.values()), "waiting": len(self.queue),
            "steps": [s for s in STEPS if s != "colorize" or self.colorizers], **({"user": {"name": "anna", "can_sign_out": True}} if self.token else {})})

    async def _post(self, request):
        self.posts += 1
        id = request.query.get("id") or str(uuid.uuid4())
        if id in self.jobs and self.jobs[id].data:
            return refusal(409, "id_taken", "This id is taken.")
        if len(self.queue) >= self.limits["waiting"]:
            return refusal(429, "queue_full", "All places are taken.", retry_after=self.retry_after)
        job = self.jobs.setdefault(id, Job(self, id))
        if self.refuses:
            status, code = self.refuses
            job.fail("Not now", code)  # those who watch hear it before the reply
            del self.jobs[id]
            return refusal(status, code, "Not now", retry_after=self.retry_after)
        job.say("upload", 0)
        try:
            data = await self._read_form(request, job)
        except (ConnectionResetError, asyncio.CancelledError):
            self.jobs.pop(id, None)
            raise
        if job.cancelled:
            job.fail("Cancelled", "cancelled")
            return refusal(409, "cancelled", "Cancelled")
        try:
            if len(data) > self.limits["bytes"]:
                raise Failed("too large", "too_large", {})
            picture = Image.open(io.BytesIO(data))
            if picture.width * picture.height > self.limits["pixels"]:
                raise Failed("Too many pixels", "too_many_pixels", {})
            job.original = ImageOps.exif_transpose(picture).convert("RGB")
        except Failed as failure:
            job.fail(*failure.args[:2])
            return refusal(413, failure.args[1], failure.args[0])
        except (OSError, SyntaxError, ValueError) as error:
            code = "damaged" if data[:3] in (b"\xff\xd8\xff", b"\x89PN", b"RIF") else "not_a_picture"
            job.fail("No picture", code)
            return refusal(400, code, f"No picture: {error}")
        job.data, job.bytes = data, len(data)
        job.state = "waiting"
        self.queue.append(job)
        self._places()
        self._start_next()
        return web.json_response({"job_id": id, "position": job.position, "progress_url": f"/ws/progress?job={id}", "status_url": f"/restore/{id}"}, status=202)

    async def _read_form(self, request, job):
        data = b""
        async for part in await request.multipart():
            if part.name == "options":
                job.options = json.loads(await part.text())
            elif part.name == "image":
                job.name = part.filename
                while piece := await part.read_chunk(65536):
                    data += piece
                    if self.upload_delay:
                        await asyncio.sleep(self.upload_delay)
            else:
                await part.read()
        return data

    def _places(self):
        for i, job in enumerate(self.queue):
            if job.position != i + 1:
                job.position = i + 1
                job.say("upload", 2, position=job.position)

    def _start_next(self):
        while self.queue and sum(job.state == "running" for job in self.jobs.values()) < self.limits["running"]:
            job = self.queue.pop(0)
            task = self._loop.create_task(job.run())
            job.state = "running"
            task.add_done_callback(lambda _: self._start_next())
        self._places()

    async def _list(self, _):
        found = [job for job in self.jobs.values() if job.data]
        return web.json_response({"jobs": [job.described() for job in sorted(found, key=lambda job: -job.created)]})

    async def _get(self, request):
        job = self.jobs.get(request.match_info["id"])
        return web.json_response(job.described()) if job else refusal(404, "not_found", "No such job.")

    async def _delete(self, request):
        job = self.jobs.get(request.match_info["id"])
        if not job:
            return refusal(404, "not_found", "No such job.")
        if job.ended_for_good:
            del self.jobs[job.id]
            return web.json_response({"state": "deleted"})
        self._cancel(job)
        return web.json_response({"state": "cancelled"})

    def _cancel(self, job):
        job.cancelled = True
        if job in self.queue:
            self.queue.remove(job)
            job.fail("Cancelled", "cancelled")
            self._places()

    def bytes_of(self, job):
        return len(job.files["png"]) if job.result else None

    async def _result(self, request):
        job = self.jobs.get(request.match_info["id"])
        name = request.match_info["name"]
        form = request.query.get("format", "png")
        picture = None
        if job and now() > job.created + self.keep_ms:
            job = None
        if job and name == "original" and job.data:
            if "format" not in request.query:
                return web.Response(body=job.data, content_type=Image.MIME[Image.open(io.BytesIO(job.data)).format])
            picture = job.original
        elif job and name == "preview" and job.preview:
            return self._preview(job)
        elif job and name == "attention" and job.original:
            picture, form = self._attention(job.original.size), "png"
        elif job and job.result and name.startswith("side-by-side."):
            form = {"jpg": "jpeg"}.get(name.split(".")[1], name.split(".")[1])
            picture = await asyncio.to_thread(self._beside, job)
        elif job and job.result:
            if form not in job.files:
                job.files[form] = await asyncio.to_thread(encoded, job.result, form)
            return web.Response(body=job.files[form], content_type=f"image/{form}")
        if not picture:
            return refusal(404, "not_found", "No such picture.")
        return web.Response(body=await asyncio.to_thread(encoded, picture, form), content_type=f"image/{form}")

    @staticmethod
    def _preview(job):
        """A picture of what was done last, as in the service: a tile of the enlarged photo, or the whole."""
        step, k, count = job.latest
        at = job._at(k, 1) if step == "upscale" else job._whole()
        picture = job.preview if step == "upscale" else Image.blend(job.original, job.preview, k / count)
        picture = picture.crop((at["x"], at["y"], at["x"] + at["width"], at["y"] + at["height"]))
        place = " ".join(str(v) for v in (at["x"], at["y"], at["width"], at["height"], *at["of"]))
        return web.Response(body=encoded(picture, "jpeg"), content_type="image/jpeg", headers={"Preview-Place": place, "Cache-Control": "no-store"})

    @staticmethod
    def _beside(job):
        both = Image.new("RGB", (job.result.width * 2, job.result.height))
        both.paste(job.original.resize(job.result.size), (0, 0))
        both.paste(job.result, (job.result.width, 0))
        return both

    @staticmethod
    def _attention(size):
        spots = [(10, 5.5, 1.3, 4.5, 1), (9.6, 9.6, 3.4, 1.4, .95), (4, 13.3, 3, 1, .6), (15, 8.6, 3.4, 1, .55), (3, 6, 3, 1, .3)]
        picture = Image.new("RGB", (20, 16))
        for y in range(16):
            for x in range(20):
                v = min(1, sum(k * math.exp(-(((x + .5 - cx) / sx) ** 2 + ((y + .5 - cy) / sy) ** 2)) for cx, cy, sx, sy, k in spots))
                picture.putpixel((x, y), heat(v))
        return picture.resize(size if size[0] < 400 else (400, round(400 * size[1] / size[0])), Image.BICUBIC)

    # ---- WebSocket

    async def _watch(self, request):
        socket = web.WebSocketResponse(heartbeat=20)
        await socket.prepare(request)
        id = request.query.get("job")
        seen = int(request.query.get("from", 0))
        reader = asyncio.ensure_future(self._listen(socket, id))
        try:
            job = self.jobs.setdefault(id, Job(self, id))
            while not socket.closed:
                changed = job.changed
                for message in job.messages[seen:]:
                    await socket.send_json(self._in_words(message, request.query.get("lang", "en")))
                    seen = message["seq"]
                if job.ended_for_good and seen == len(job.messages):
                    break
                waiting = asyncio.ensure_future(changed.wait())
                await asyncio.wait({waiting, reader}, return_when=asyncio.FIRST_COMPLETED)
                if reader.done():
                    break
        except ConnectionResetError:
            pass
        finally:
            reader.cancel()
        await socket.close(code=1000)
        return socket

    @staticmethod
    def _in_words(message, language):
        words = WORDS.get(language, {}).get(message.get("source"))
        return {**message, "message": words} if words and "message" in message else message

    async def _listen(self, socket, id):
        async for message in socket:
            if message.type != WSMsgType.TEXT:
                continue
            asked = json.loads(message.data).get("action")
            if asked == "ping":
                await socket.send_json({"type": "pong"})
            elif asked == "cancel" and id in self.jobs:
                self._cancel(self.jobs[id])


if __name__ == "__main__":
    mock = RestoreMock(int(sys.argv[1]) if len(sys.argv) > 1 else 8199)
    mock.tick = .5
    print(f"A test double of the photo service: {mock.url}/restore")
    threading.Event().wait()
