"""200 visitors of the photo service at a time, on a step that is quick: none loses a message, order is kept, memory stays flat."""
import asyncio
import io
import json
import pathlib
import uuid

import httpx
import numpy as np
from PIL import Image
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from harness import ALL
from restorations import STAGES, check_sequence

VISITORS = 200
ROUNDS = 20 if ALL else 2   # after the first, which warms up
GROWTH = {"gateway": 8 << 20, "worker": 24 << 20}  # that counts as flat, bytes; what allocators keep varies by some MB


def resident(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


class Visitor:
    """One of them, with a photo that nobody else has: its size and its colours say whose result it is."""

    def __init__(self, server, http, number):
        self.server, self.http, self.number, self.job = server, http, number, str(uuid.uuid4())
        self.width, self.height = 20 + number % 20, 20 + number // 20
        ramp = np.linspace(0, 60, self.width * self.height * 3).reshape(self.height, self.width, 3)
        self.pixels = (ramp + [number, 255 - 60 - number * 0.9, (number * 37) % 190]).clip(0, 255).astype(np.uint8)
        out = io.BytesIO()
        Image.fromarray(self.pixels).save(out, "PNG")
        self.photo = out.getvalue()

    def viewer(self, query=""):
        return connect(f"ws://127.0.0.1:{self.server.port}/ws/progress?job={self.job}{query}", max_size=None, compression=None, open_timeout=60, ping_interval=None)

    async def upload(self):
        reply = await self.http.post("/restore", params={"id": self.job}, files={"image": (f"{self.number}.png", self.photo)}, data={"options": json.dumps({"colorize": False, "sharpen": 0.1})})
        return reply

    async def send(self):
        reply = await self.upload()
        assert reply.status_code == 202, reply.text

    async def read(self, ws, count=None):
        """Messages until the server closes the socket, or `count` of them."""
        out = []
        try:
            while count is None or len(out) < count:
                out.append(json.loads(await asyncio.wait_for(ws.recv(), 120)))
        except ConnectionClosed as closed:
            assert closed.rcvd and closed.rcvd.code == 1000, closed
        return out

    # -- ways to behave

    async def watches(self):
        async with self.viewer() as ws:
            seen, _ = await asyncio.gather(self.read(ws), self.send())
        return seen

    async def loses_the_connection(self):
        """Comes back after every second message, from the last one that it has seen."""
        sending = asyncio.create_task(self.send())
        seen = []
        while not seen or seen[-1].get("stage") != "complete":
            async with self.viewer(f"&from={len(seen)}") as ws:
                seen += await self.read(ws, 2)
                ws.transport.abort()
        await sending
        return seen

    async def watches_twice(self):
        async with self.viewer() as one, self.viewer("&lang=zh") as other:
            seen, chinese, _ = await asyncio.gather(self.read(one), self.read(other), self.send())
        assert [(m["seq"], m["stage"], m["progress"]) for m in chinese] == [(m["seq"], m["stage"], m["progress"]) for m in seen]
        assert chinese[-1]["message"] == "完成"
        return seen

    async def comes_late(self):
        await self.send()
        async with self.viewer() as ws:
            seen = await self.read(ws)
        async with self.viewer("&from=2") as ws:
            assert await self.read(ws) == seen[2:]
        return seen

    async def cancels(self):
        """At the first message, while it is uploaded, or once it waits; may come too late."""
        async with self.viewer() as ws:
            sending = asyncio.create_task(self.upload())
            seen = await self.read(ws, 1 + self.number % 3)
            try:
                await ws.send(json.dumps({"action": "cancel"}))
            except ConnectionClosed:
                pass  # too late
            seen += await self.read(ws)
            reply = await sending
        assert reply.status_code in (202, 409), reply.text
        return seen

    # -- what all can count on

    async def visit(self):
        ways = [self.watches, self.loses_the_connection, self.watches_twice, self.comes_late, self.cancels]
        seen = await ways[self.number % len(ways)]()
        check_sequence(seen)
        assert {m["job_id"] for m in seen} == {self.job}
        last = seen[-1]
        if "error" in last:
            assert self.number % len(ways) == 4 and last["code"] == "cancelled", last
        else:
            assert list(dict.fromkeys(m["stage"] for m in seen)) == STAGES and last["progress"] == 100
            await self.look_at(last["result_url"])
        if "error" in last and (await self.http.get(f"/restore/{self.job}")).status_code == 404:
            return  # cancelled before it was all there
        async with self.viewer() as ws:
            assert await self.read(ws) == seen, "what is kept is what was told"
        assert (await self.http.delete(f"/restore/{self.job}")).json()["state"] == "forgotten"

    async def look_at(self, url):
        reply = await self.http.get(url)
        assert reply.status_code == 200
        picture = np.asarray(Image.open(io.BytesIO(reply.content)), dtype=float)
        assert picture.shape == self.pixels.shape and np.abs(picture - self.pixels).mean() < 3


async def one_round(server):
    async with httpx.AsyncClient(base_url=server.url, timeout=120, limits=httpx.Limits(max_connections=None)) as http:
        await asyncio.gather(*(Visitor(server, http, number).visit() for number in range(VISITORS)))
        assert (await http.get("/restore/jobs")).json()["jobs"] == []


def test_200_visitors_lose_nothing_and_leave_nothing(own):
    server = own("--workers", "1", "--cpu")
    sizes = []
    for _ in range(1 + ROUNDS):
        asyncio.run(one_round(server))
        worker, = server.worker_pids()
        sizes.append({"gateway": resident(server.process.pid), "worker": resident(worker)})
    assert not list(server.base.glob("*/restorations/*")) and server.json("/queue") == {"queue_running": [], "queue_pending": []}
    for who, limit in GROWTH.items():
        assert sizes[-1][who] - sizes[1][who] < limit, (who, [size[who] >> 20 for size in sizes])
