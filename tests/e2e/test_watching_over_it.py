"""What a host's monitoring sees: health, readiness, metrics."""
import json
import os
import re
import signal

import httpx

from harness import Server, empty_image, wait_for
from identities import bearer, with_auth


def samples(server, **kw):
    """The page of /metrics: sample -> number."""
    reply = server.get("/metrics", **kw)
    assert reply.status_code == 200 and reply.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = {}
    for line in reply.text.splitlines():
        if line.startswith("#"):
            assert re.match(r"# (HELP|TYPE) darkroom_\w+ .+", line), line
        else:
            name, value = re.fullmatch(r'(darkroom_\w+(?:\{[^}]*\})?) (\S+)', line).groups()
            assert name not in found
            found[name] = float(value)
    return found


def test_metrics_count_what_happened(own):
    server = own()
    before = samples(server)
    assert before["darkroom_queue_pending"] == before["darkroom_jobs_accepted_total"] == 0 and before["darkroom_workers_ready"] == 1
    server.run(empty_image("a", 1))
    server.run(empty_image("b", 1))  # its first node is there already
    assert server.run(empty_image("../outside"))["status"]["status_str"] == "error"
    found = samples(server)
    assert found["darkroom_jobs_accepted_total"] == 3
    assert found['darkroom_jobs_ended_total{status="success"}'] == 2 and found['darkroom_jobs_ended_total{status="error"}'] == 1
    assert found["darkroom_job_run_seconds_count"] == found['darkroom_job_run_seconds_bucket{le="+Inf"}'] == 3
    assert found['darkroom_node_run_seconds_count{class="SaveImage"}'] == 2 and found["darkroom_nodes_cached_total"] == 1
    assert found['darkroom_resident_memory_bytes{process="gateway"}'] > 1e6 and found['darkroom_resident_memory_bytes{process="worker 1"}'] > 1e7
    slow = {"1": {"class_type": "EmptyImage", "inputs": {"width": 4096, "height": 4096, "batch_size": 1, "color": 1}},
            "2": {"class_type": "ImageBlur", "inputs": {"image": ["1", 0], "blur_radius": 31, "sigma": 10.0}},
            "3": {"class_type": "ImageBlur", "inputs": {"image": ["2", 0], "blur_radius": 31, "sigma": 9.0}},
            "4": {"class_type": "SaveImage", "inputs": {"images": ["3", 0], "filename_prefix": "slow"}}}
    running, *waiting = [server.queue(slow)] + [server.queue(empty_image(f"w{n}")) for n in range(3)]
    server.post("/queue", {"delete": [waiting[0]]})
    server.post(f"/api/jobs/{waiting[1]}/cancel")
    server.post("/queue", {"clear": True})
    server.post("/interrupt", {"prompt_id": running})
    assert server.wait(running)["status"]["status_str"] == "error"
    found = samples(server)
    assert found['darkroom_jobs_ended_total{status="cancelled"}'] == 4, "three waited, one ran"
    assert found["darkroom_jobs_accepted_total"] == sum(found[f'darkroom_jobs_ended_total{{status="{word}"}}'] for word in ("success", "error", "cancelled"))
    os.kill(server.worker_pids()[0], signal.SIGKILL)
    wait_for(lambda: samples(server).get('darkroom_workers_lost_total{reason="crashed"}') == 1, 30, "the lost worker is counted")
    wait_for(lambda: samples(server)["darkroom_workers_ready"] == 1, 30, "it is replaced")


def test_readiness_follows_the_workers(tmp_path):
    server = Server(tmp_path / "base", "--worker-program", "/bin/false")
    try:
        server.start(ready=False)
        assert server.get("/health/live").json() == {"status": "live"}
        reply = server.get("/health/ready")
        assert reply.status_code == 503 and reply.json() == {"status": "not ready", "reason": "no worker is ready yet"}
    finally:
        server.stop()


def test_a_warm_up_workflow_runs_before_it_is_ready_and_leaves_nothing(tmp_path):
    workflow = tmp_path / "warm.json"
    workflow.write_text(json.dumps(empty_image("warm", size=64)))
    with Server(tmp_path / "base", "--warm-up", str(workflow)) as server:
        wait_for(lambda: server.get("/health/ready").status_code == 200, 30, "it is ready")
        assert server.get("/health/ready").json() == {"status": "ready"}
        assert server.json("/history") == {} and server.json("/queue") == {"queue_running": [], "queue_pending": []}
        assert [p for p in (tmp_path / "base/output").rglob("*") if p.is_file()] == []
        assert samples(server)['darkroom_jobs_ended_total{status="success"}'] == 1


def test_a_warm_up_that_fails_is_told(tmp_path):
    workflow = tmp_path / "warm.json"
    workflow.write_text(json.dumps({"1": {"class_type": "NoSuchNode", "inputs": {}}}))
    with Server(tmp_path / "base", "--warm-up", str(workflow)) as server:
        wait_for(lambda: server.get("/health/ready").json().get("reason") == "the warm-up workflow failed", 30, "it says so")
        assert "NoSuchNode" in server.log_text()
        assert server.run(empty_image("works"))["status"]["status_str"] == "success", "it serves all the same"


def test_health_is_open_and_metrics_are_for_admins(tmp_path):
    with with_auth(tmp_path / "base") as server:
        nobody = httpx.Client(base_url=server.url)
        assert nobody.get("/health/live").status_code == nobody.get("/health/ready").status_code == 200
        assert nobody.get("/metrics").status_code == 401
        assert server.as_somebody(bearer("anna")).get("/metrics").status_code == 403
