"""The load generator of bench/hosting.py: runs against the real server, and notices every kind of fault."""
import asyncio
import json
import subprocess
import threading

import pytest
from aiohttp import web

from harness import BIN, free_port

GENERATOR = BIN / "darkroom-bench-hosting"


def put_load(port, clients, *rest):
    """(exit status, report)"""
    done = subprocess.run([GENERATOR, "127.0.0.1", str(port), str(clients), "0.2", "1", *map(str, rest)], capture_output=True, text=True, timeout=250)
    words = done.stdout.splitlines()
    assert words[:2] == ["measuring", "measured"], done.stdout + done.stderr
    return done.returncode, json.loads(words[2])


@pytest.mark.parametrize("rate", [(), (20,)], ids=["closed", "open"])
def test_a_second_of_load(own, rate):
    server = own()
    status, report = put_load(server.port, 4, *rate)
    assert status == 0 and not any(report["faults"].values()), report
    assert report["clients"] == 4 and report["jobs"] > 0 and report["generator_cpu_s"] > 0
    waits = [report["latency_ms"][p] for p in ("p50", "p90", "p99", "p99.9", "max")]
    assert waits == sorted(waits) and waits[0] > 0
    if rate:
        assert report["jobs"] == 20
    assert server.http.get("/prompt").json()["exec_info"]["queue_remaining"] == 0


def status_of(count):
    return "status", {"status": {"exec_info": {"queue_remaining": count}}}


class FakeServer:
    """Takes one job at a time and tells what `spoil` makes of its messages."""

    def __init__(self, spoil=lambda messages: messages, answer=lambda value: value, code=200):
        self.port, self.spoil, self.answer, self.code = free_port(), spoil, answer, code
        self.sockets, self.history, self.loop, self.started = {}, {}, asyncio.new_event_loop(), threading.Event()
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        assert self.started.wait(10)
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()

    def serve(self):
        asyncio.set_event_loop(self.loop)
        app = web.Application()
        app.add_routes([web.get("/ws", self.socket), web.get("/prompt", self.nothing), web.post("/prompt", self.prompt), web.get("/history/{id}", self.entry)])
        runner = web.AppRunner(app)
        self.loop.run_until_complete(runner.setup())
        self.loop.run_until_complete(web.TCPSite(runner, "127.0.0.1", self.port).start())
        self.loop.call_soon(self.started.set)
        self.loop.run_forever()
        self.loop.run_until_complete(runner.cleanup())

    async def socket(self, request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets[request.query["clientId"]] = socket
        await self.tell(socket, [status_of(0)])
        async for _ in socket:
            pass
        return socket

    async def tell(self, socket, messages):
        for kind, data in messages:
            await socket.send_json({"type": kind, "data": data})

    async def prompt(self, request):
        body = await request.json()
        job, value = body["prompt_id"], body["prompt"]["1"]["inputs"]["value"]
        self.history[job] = {job: {"outputs": {"2": {"text": [str(self.answer(value))]}}, "status": {"status_str": "success"}}}
        of_job = {"prompt_id": job}
        messages = [status_of(1), ("execution_start", of_job), ("execution_cached", {"nodes": [], **of_job}), ("executing", {"node": "1", **of_job}),
                    ("progress_state", {"nodes": {}, **of_job}), ("executing", {"node": "2", **of_job}), ("executed", {"node": "2", **of_job}),
                    ("execution_success", of_job), status_of(0), ("executing", {"node": None, **of_job})]
        await asyncio.sleep(0.01)
        await self.tell(self.sockets[body["client_id"]], self.spoil(messages))
        return web.json_response({"prompt_id": job, "number": 0, "node_errors": {}}, status=self.code)

    async def nothing(self, request):
        return web.json_response({})

    async def entry(self, request):
        return web.json_response(self.history[request.match_info["id"]])


def without(place):
    return lambda messages: messages[:place] + messages[place + 1:]


def swapped(place):
    return lambda messages: messages[:place] + [messages[place + 1], messages[place]] + messages[place + 2:]


FAULTS = {
    "lost_events": {"spoil": without(2)},
    "events_out_of_order": {"spoil": lambda messages: messages[:6] + messages[3:]},
    "unexpected_messages": {"spoil": lambda messages: [("execution_start", {"prompt_id": "of another"}), *messages]},
    "untrue_statuses": {"spoil": lambda messages: messages[:-2] + [status_of(1), messages[-1], status_of(0)]},
    "stale_statuses": {"spoil": lambda messages: [*messages, status_of(1)]},
    "wrong_results": {"answer": lambda value: value + 1},
    "failed_requests": {"code": 503},
}


def test_a_server_without_fault():
    with FakeServer() as server:
        status, report = put_load(server.port, 1)
    assert status == 0 and not any(report["faults"].values()) and report["jobs"] > 5, report


@pytest.mark.parametrize("kind", FAULTS)
def test_faults_are_noticed(kind):
    with FakeServer(**FAULTS[kind]) as server:
        status, report = put_load(server.port, 1)
    assert status == 1
    assert {fault for fault, count in report["faults"].items() if count} == {kind}


def test_swapped_messages_are_noticed():
    with FakeServer(swapped(2)) as server:
        status, report = put_load(server.port, 1)
    assert status == 1 and report["faults"]["lost_events"] == report["faults"]["events_out_of_order"] > 0


def test_counts_far_from_the_truth_are_noticed():
    with FakeServer(lambda messages: [status_of(7), *messages]) as server:
        status, report = put_load(server.port, 1)
    assert status == 1 and report["faults"]["untrue_statuses"] > 0
