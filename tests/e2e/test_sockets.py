"""Sockets of one client id: the newest gets the messages, and goes on getting them when the older one closes."""
import contextlib
import json

import pytest

from harness import empty_image, messages_until_end


@pytest.fixture
def stack():
    with contextlib.ExitStack() as opened:
        yield opened


def drain(ws, seconds=0.3):
    out = []
    try:
        while True:
            out.append(json.loads(ws.recv(timeout=seconds)))
    except TimeoutError:
        return out


def test_the_newer_socket_of_an_id_is_never_deaf(server, stack):
    older, newer = (stack.enter_context(server.socket("twice")) for _ in range(2))
    assert json.loads(older.recv(timeout=5))["data"]["sid"] == json.loads(newer.recv(timeout=5))["data"]["sid"] == "twice"
    messages_until_end(newer, server.queue(empty_image("twice-a", 1), client_id="twice"))
    assert {m["type"] for m in drain(older)} <= {"status"}, "the older one hears only what goes to all"
    older.close()
    seen = messages_until_end(newer, server.queue(empty_image("twice-b", 2), client_id="twice"))
    assert "execution_success" in [t for t, _ in seen]


def test_a_client_that_returns_during_its_job_hears_the_rest(own):
    server = own(test_worker=True)
    slow = {"1": {"class_type": "RT_Sleep", "inputs": {"value": "x", "seconds": 2, "steps": 20}}, "2": {"class_type": "RT_Quiet", "inputs": {"value": ["1", 0]}}}
    with server.socket("back") as ws:
        prompt_id = server.queue(slow, client_id="back")
        while json.loads(ws.recv(timeout=10))["type"] != "progress":
            pass
    with server.socket("back") as ws:
        assert json.loads(ws.recv(timeout=5))["type"] == "status"
        assert json.loads(ws.recv(timeout=5)) == {"type": "executing", "data": {"node": "1"}}
        types = [t for t, _ in messages_until_end(ws, prompt_id)]
    assert "progress" in types and "execution_success" in types


def test_progress_of_a_large_graph_is_thinned(server):
    chain = {"0": {"class_type": "PrimitiveInt", "inputs": {"value": 987654}}}
    for n in range(1, 1500):
        chain[str(n)] = {"class_type": "PrimitiveInt", "inputs": {"value": [str(n - 1), 0]}}
    chain["end"] = {"class_type": "PreviewAny", "inputs": {"source": ["1499", 0]}}
    with server.socket("large") as ws:
        seen = messages_until_end(ws, server.queue(chain, client_id="large"))
    assert sum(1 for t, d in seen if t == "executing" and d["node"]) == 1501
    states = [d for t, d in seen if t == "progress_state"]
    assert max(len(json.dumps(s)) for s in states) < 512 * 1024
    touched = set()
    for s in states:
        touched |= set(s["nodes"])
    assert touched == set(chain), "every node is shown at least once"
    assert states[-1]["nodes"]["end"]["state"] == "finished"
