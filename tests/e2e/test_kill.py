"""kill -9 of the gateway and of the worker at random moments: no accepted job is lost."""
import os
import random
import signal
import threading
import time

import httpx

from harness import ALL, Server, empty_image, wait_for

ROUNDS = 50 if ALL else 10
# Jobs come faster than they run: what waits is bounded, and what has ended is all remembered.
FLAGS = ("--max-queue", "1000", "--max-history", "1000000")


def poster(server, accepted, stop, tag):
    """Posts jobs as fast as they are accepted. A reply that never came promises nothing."""
    n = 0
    with httpx.Client(base_url=server.url, timeout=10) as http:
        while not stop.is_set():
            n += 1
            name = f"{tag}-{n}"
            try:
                reply = http.post("/prompt", json={"prompt": empty_image(name, color=n * 7919 % (1 << 24))})
            except httpx.TransportError:
                time.sleep(0.02)
                continue
            if reply.status_code == 200:
                accepted[reply.json()["prompt_id"]] = name
            time.sleep(0.002)


def wait_until_idle(server):
    """As long as jobs end, however slow the machine is."""
    left = server.json("/prompt")["exec_info"]["queue_remaining"]
    while left:
        before = left
        left = wait_for(lambda: (now := server.json("/prompt")["exec_info"]["queue_remaining"]) != before and [now], 60, "a job ends")[0]


def check_all(server, accepted):
    wait_until_idle(server)
    history = server.json("/history")
    lost = [i for i in accepted if i not in history]
    assert not lost, f"{len(lost)} of {len(accepted)} accepted jobs are lost"
    for prompt_id, name in accepted.items():
        entry = history[prompt_id]
        assert entry["status"]["status_str"] == "success", entry["status"]
        picture = entry["outputs"]["2"]["images"][0]
        assert picture["filename"].startswith(name + "_")
        assert (server.base / "output" / picture["filename"]).stat().st_size > 0


def test_the_gateway_dies_at_random_moments(tmp_path):
    seed = int(time.time())
    print("seed", seed)
    dice = random.Random(seed)
    server, accepted = Server(tmp_path / "base", *FLAGS), {}
    server.start()  # once to its end: the schemas are kept, so that later ones accept jobs before their worker is up
    assert server.stop() == 0
    for round_number in range(ROUNDS):
        server.start(ready=False)
        stop = threading.Event()
        threads = [threading.Thread(target=poster, args=(server, accepted, stop, f"r{round_number}t{k}")) for k in range(2)]
        for t in threads:
            t.start()
        time.sleep(dice.uniform(0.05, 1.2))
        workers = server.worker_pids()
        server.kill()
        stop.set()
        for t in threads:
            t.join()
        wait_for(lambda: not any(os.path.exists(f"/proc/{p}") for p in workers), 5, "the workers die with the gateway")
    server.start()
    assert len(accepted) > ROUNDS
    check_all(server, accepted)
    assert server.stop() == 0


def test_the_worker_dies_at_random_moments(tmp_path):
    seed = int(time.time())
    print("seed", seed)
    dice = random.Random(seed)
    accepted = {}
    with Server(tmp_path / "base", *FLAGS) as server:
        stop = threading.Event()
        thread = threading.Thread(target=poster, args=(server, accepted, stop, "w"))
        thread.start()
        failed = set()
        for _ in range(ROUNDS):
            pids = wait_for(server.worker_pids, 20, "a worker runs")
            time.sleep(dice.uniform(0.3, 1.0))
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            began = time.monotonic()
            assert server.get("/queue").status_code == 200, "the server never stops answering"
            assert time.monotonic() - began < 1
        stop.set()
        thread.join()
        wait_until_idle(server)
        history = server.json("/history")
        assert accepted and not [i for i in accepted if i not in history]
        # A job that lost its worker twice ends with WorkerLost; every other one succeeded.
        for prompt_id in accepted:
            status = history[prompt_id]["status"]
            if status["status_str"] == "error":
                failed.add(prompt_id)
                assert any(m[0] == "execution_error" and m[1]["exception_type"] == "WorkerLost" for m in status["messages"]), status
        assert len(failed) <= ROUNDS // 2
