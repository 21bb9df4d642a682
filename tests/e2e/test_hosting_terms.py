"""What senders may ask for beside pictures: priorities, time-outs, one job for one key; and what users may have in an hour."""
import pytest

from harness import empty_image, wait_for
from identities import bearer, with_auth
from test_api_v2 import sleepy


def refused(reply, status, type):
    assert reply.status_code == status, reply.text
    assert reply.json()["error"]["type"] == type
    return reply


def pending(server):
    return [entry[1] for entry in server.json("/queue")["queue_pending"]]


def test_a_higher_priority_goes_first(own):
    server = own()
    running = server.queue(sleepy("runs", 60), priority=100)
    wait_for(lambda: server.json("/queue")["queue_running"], 30, "it runs")
    plain, low, high, edge = (server.queue(empty_image(name), **fields) for name, fields in
                              (("plain", {}), ("low", {"priority": -100}), ("high", {"priority": 5}), ("edge", {"priority": 100})))
    assert pending(server) == [edge, high, plain, low]
    server.kill()
    server.start()
    wait_for(lambda: server.json("/queue")["queue_running"], 30, "it runs again")
    assert [id for id in pending(server) if id != running] == [edge, high, plain, low], "a restart keeps the order"
    for wrong in (101, -101, "5", 1.5):
        refused(server.post("/prompt", {"prompt": empty_image("x"), "priority": wrong}), 400, "invalid_terms")
    server.post("/queue", {"clear": True})
    server.post("/interrupt")


def test_waiting_jobs_know_their_place_and_about_how_long(own):
    server = own()
    server.run(empty_image("first"))
    running = server.queue(sleepy("runs", 60))
    wait_for(lambda: server.json("/queue")["queue_running"], 30, "it runs")
    waiting = [server.queue(empty_image(f"w{n}")) for n in range(3)]
    jobs = [server.json(f"/api/jobs/{id}?place=1") for id in waiting]
    assert [job["queue_position"] for job in jobs] == [1, 2, 3]
    estimates = [job["estimated_wait_s"] for job in jobs]
    assert estimates == sorted(estimates) and 0 <= estimates[0] < estimates[2]
    assert "queue_position" not in server.json(f"/api/jobs/{running}?place=1")
    assert "queue_position" not in server.json(f"/api/jobs/{waiting[0]}"), "ComfyUI's clients get what they know"
    assert server.json(f"/api/v2/jobs/{waiting[1]}")["estimated_wait_s"] >= estimates[0]
    server.post("/queue", {"clear": True})
    server.post("/interrupt")


def test_a_job_ends_when_its_time_is_over(own):
    server = own()
    entry = server.run(sleepy("slow", 60), timeout=1)
    kind, data = entry["status"]["messages"][-1]
    assert kind == "execution_error" and data["exception_type"] == "TimeoutError" and data["node_type"] == "ImageBlur"
    assert server.run(empty_image("next"))["status"]["completed"], "the next one runs"
    for wrong in (0, -1, "soon", 604801):
        refused(server.post("/prompt", {"prompt": empty_image("x"), "timeout": wrong}), 400, "invalid_terms")


def test_no_job_runs_longer_than_the_server_allows(own):
    server = own("--job-timeout", "1")
    for fields in ({}, {"timeout": 100}):
        assert server.run(sleepy("slow", 60), **fields)["status"]["messages"][-1][1]["exception_type"] == "TimeoutError"


def test_a_prompt_with_a_key_makes_one_job(own):
    server = own()
    send = lambda prompt, key, **kw: server.post("/prompt", {"prompt": prompt}, headers={"Idempotency-Key": key}, **kw)
    first = send(empty_image("once"), "k")
    again = send(empty_image("once"), "k")
    assert again.status_code == 200 and again.json()["prompt_id"] == first.json()["prompt_id"] and again.json()["number"] == first.json()["number"]
    assert again.headers["idempotent-replayed"] == "true" and "idempotent-replayed" not in first.headers
    refused(send(empty_image("another"), "k"), 422, "idempotency_key_reuse")
    refused(send(empty_image("x"), "x" * 256), 400, "invalid_terms")
    assert send(empty_image("once"), "another").json()["prompt_id"] != first.json()["prompt_id"]
    server.wait(first.json()["prompt_id"])
    server.kill()
    server.start()
    assert send(empty_image("once"), "k").json()["prompt_id"] == first.json()["prompt_id"], "keys outlive the server"


@pytest.fixture
def users(tmp_path):
    with with_auth(tmp_path / "base", "--user-jobs", "3", "--user-priority", "2", "--user-seconds", "2") as server:
        yield {name: server.as_somebody(bearer(name)) for name in ("ann", "bob", "cleo")}


def test_what_users_may_have(users):
    ann, bob, cleo = users.values()
    for n in range(3):
        ann.run(empty_image(f"a{n}"))
    over = refused(ann.post("/prompt", {"prompt": empty_image("over")}), 429, "too_many_uploads")
    assert 3500 < int(over.headers["retry-after"]) <= 3600
    bob.run(empty_image("b"), priority=2)
    refused(bob.post("/prompt", {"prompt": empty_image("x"), "priority": 3}), 403, "forbidden")
    cleo.run(sleepy("c", 12), timeout=4)
    refused(cleo.post("/prompt", {"prompt": empty_image("over")}), 429, "too_many_uploads")
