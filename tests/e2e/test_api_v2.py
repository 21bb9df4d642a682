"""The Comfy API v2 as its SDKs speak it (docs/api-v2.md), by plain HTTP: what they never try stands here too."""
import io
import json
import os
import signal
import threading

import httpx
import pytest
from PIL import Image

from harness import empty_image, wait_for
from identities import bearer, with_auth

UNKNOWN = "blake3:" + "0" * 64


def png(width, height):
    out = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(out, "PNG")
    return out.getvalue()


def sleepy(prefix, blurs=6):
    """Seconds of work that can be cancelled between two nodes."""
    graph = {"1": {"class_type": "EmptyImage", "inputs": {"width": 2048, "height": 2048, "batch_size": 1, "color": 1}}}
    for n in range(blurs):
        graph[str(n + 2)] = {"class_type": "ImageBlur", "inputs": {"image": [str(n + 1), 0], "blur_radius": 31, "sigma": 9.0 - 0.1 * n}}
    graph["99"] = {"class_type": "SaveImage", "inputs": {"images": [str(blurs + 1), 0], "filename_prefix": prefix}}
    return graph


class V2:
    """A client with as little in it as can be."""

    def __init__(self, server, **headers):
        self.server, self.headers = server, headers

    def request(self, method, path, **kw):
        headers = {**self.headers, **kw.pop("headers", {})}
        return httpx.request(method, f"{self.server.url}/api/v2{path}", headers=headers, timeout=60, **kw)

    def submit(self, workflow, key=None, **fields):
        return self.request("POST", "/jobs", json={"workflow": workflow, **fields}, headers={"Idempotency-Key": key} if key else {})

    def job(self, id):
        return self.request("GET", f"/jobs/{id}").json()

    def ended(self, id, seconds=60):
        wait_for(lambda: self.job(id)["status"] in ("succeeded", "failed", "canceled"), seconds, "the job is over")
        return self.job(id)

    def upload(self, data, name="photo.png", content_type="image/png", key=None, **fields):
        parts = {"content_type": (None, content_type), "file_path": (None, name), **{k: (None, v) for k, v in fields.items()}, "file": (name, data)}
        return self.request("POST", "/assets", files=parts, headers={"Idempotency-Key": key} if key else {})

    def events(self, id, last=None, limit=None, into=None):
        """(id, name, data) of the stream, to its end or to `limit` events; as they come also in the list `into`."""
        found, current = [] if into is None else into, {}
        with httpx.stream("GET", f"{self.server.url}/api/v2/jobs/{id}/events", headers={**self.headers, **({"Last-Event-ID": last} if last else {})}, timeout=60) as reply:
            assert reply.status_code == 200 and reply.headers["content-type"] == "text/event-stream"
            for line in reply.iter_lines():
                if not line and current.get("event"):
                    found.append((current.get("id"), current["event"], json.loads(current["data"])))
                    current = {}
                    if limit and len(found) == limit:
                        break
                elif line and not line.startswith(":"):
                    name, _, value = line.partition(": ")
                    current[name] = value
        return found


def code_of(reply, status):
    assert reply.status_code == status, reply.text
    error = reply.json()["error"]
    assert set(error) == {"code", "message", "details"} and isinstance(error["message"], str) and (error["details"] is None or isinstance(error["details"], dict))
    return error["code"]


@pytest.fixture
def api(server):
    return V2(server)


def test_a_job_from_its_submission_to_its_picture(api, server):
    made = api.submit(empty_image("v2", 5), metadata={"client": "acme"})
    assert made.status_code == 201 and made.headers["location"] == made.json()["urls"]["self"]
    id = made.json()["id"]
    job = api.ended(id)
    assert job["status"] == "succeeded" and job["error"] is None and job["metadata"] == {"client": "acme"} and job["queue_position"] is None
    assert job["created_at"].endswith("Z") and job["started_at"] <= job["completed_at"] and job["metrics"]["execution_ms"] >= 0
    output, = job["outputs"]
    assert output["name"].startswith("v2_") and output["type"] == "image" and output["content_type"] == "image/png" and output["job_id"] == id
    content = httpx.get(output["url"])
    assert content.status_code == 200 and content.headers["content-type"] == "image/png" and len(content.content) == output["size_bytes"]
    part = httpx.get(output["url"], headers={"Range": "bytes=0-7"})
    assert part.status_code == 206 and part.content == content.content[:8]
    assert httpx.get(output["url"], headers={"Range": "bytes=999999-"}).status_code == 416
    asset = api.request("GET", f"/assets/{output['id']}").json()
    assert asset["size_bytes"] == output["size_bytes"] and asset["job_id"] == id
    assert api.request("GET", f"/jobs/{id}/workflow").json() == {"workflow": empty_image("v2", 5), "format": "api"}
    assert server.json("/history/" + id)[id]["status"]["completed"] is True, "the same history as everything else"


def test_an_upload_is_known_by_its_bytes(api):
    data = png(24, 16)
    first = api.upload(data)
    assert first.status_code == 201 and first.json()["created_new"] is True
    asset = first.json()
    again = api.upload(data, "other.png", expected_hash=asset["hash"])
    assert again.status_code == 200 and again.json()["created_new"] is False and again.json()["id"] != asset["id"] and again.json()["hash"] == asset["hash"]
    assert api.request("HEAD", f"/assets/by-hash/{asset['hash']}").status_code == 200
    assert api.request("HEAD", "/assets/by-hash/" + asset["hash"].replace(":", "%3A")).status_code == 200
    assert api.request("HEAD", f"/assets/by-hash/{UNKNOWN}").status_code == 404
    made = api.request("POST", "/assets/from-hash", json={"hash": asset["hash"], "file_path": "third.png"})
    assert made.status_code == 201 and made.json()["file_path"] == "third.png" and made.json()["created_new"] is False
    same = api.request("POST", "/assets/from-hash", json={"hash": asset["hash"], "file_path": "third.png"})
    assert same.status_code == 200 and same.json()["id"] == made.json()["id"]
    assert code_of(api.request("POST", "/assets/from-hash", json={"hash": UNKNOWN, "file_path": "x"}), 404) == "blob_not_found"
    content = httpx.get(asset["url"])
    assert content.content == data and content.headers["content-type"] == "image/png"


def test_a_wrong_hash_keeps_nothing(api, server):
    before = sorted(p.name for p in (server.base / "input").rglob("*"))
    assert code_of(api.upload(b"not what was said", expected_hash=UNKNOWN), 409) == "hash_mismatch"
    assert code_of(api.upload(b"x", expected_hash="md5:00"), 400) == "invalid_request"
    assert code_of(api.request("POST", "/assets", files={"file_path": (None, "x")}), 400) == "invalid_request"
    assert code_of(api.request("POST", "/assets", content=b"no form", headers={"Content-Type": "text/plain"}), 400) == "invalid_request"
    assert sorted(p.name for p in (server.base / "input").rglob("*") if p.name != "assets") == [name for name in before if name != "assets"]


def test_uploads_and_results_go_into_workflows(api):
    upload = api.upload(png(40, 30), "in.png").json()
    save = lambda ref: {"1": {"class_type": "LoadImage", "inputs": {"image": ref}}, "9": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "from_asset"}}}
    reference = {"__type": "core/ASSET", "info": {"id": upload["id"], "hash": UNKNOWN, "file_path": "a hint"}}
    made = api.submit(save(reference))
    assert made.status_code == 201, made.text
    job = api.ended(made.json()["id"])
    assert job["status"] == "succeeded", job
    assert api.request("GET", f"/jobs/{job['id']}/workflow").json()["workflow"] == save(reference), "assets where they stood"
    output = job["outputs"][0]
    second = api.ended(api.submit(save({"__type": "core/ASSET", "info": {"id": output["id"]}})).json()["id"])
    assert second["status"] == "succeeded" and second["outputs"][0]["size_bytes"] > 0
    for wrong in ({"id": "nobody"}, {"id": upload["id"] + "0"}, {}, {"id": "r_b3V0cHV0Hy4uHy9ldGMvcGFzc3dkHw"}):
        assert code_of(api.submit(save({"__type": "core/ASSET", "info": wrong})), 422) == "missing_asset"


def test_deleting_an_asset(api, server):
    data = png(21, 12)
    one, two = api.upload(data, "one.png").json(), api.upload(data, "two.png").json()
    file, = (server.base / "input/assets").glob(one["hash"].split(":")[1] + "*")
    assert api.request("DELETE", f"/assets/{one['id']}").status_code == 204
    assert code_of(api.request("DELETE", f"/assets/{one['id']}"), 404) == "not_found"
    assert file.exists() and httpx.get(two["url"]).content == data
    running = api.submit(sleepy("hold")).json()["id"]
    waiting = api.submit({"1": {"class_type": "LoadImage", "inputs": {"image": {"__type": "core/ASSET", "info": {"id": two["id"]}}}},
                          "9": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}}).json()["id"]
    assert code_of(api.request("DELETE", f"/assets/{two['id']}"), 409) == "asset_in_use"
    for id in (waiting, running):
        assert api.request("POST", f"/jobs/{id}/cancel").status_code == 200
    api.ended(running)
    assert api.request("DELETE", f"/assets/{two['id']}").status_code == 204
    assert not file.exists()
    assert api.request("HEAD", f"/assets/by-hash/{one['hash']}").status_code == 404


def test_bad_submissions_have_codes(api):
    good = empty_image("bad")
    assert code_of(api.request("POST", "/jobs", content=b"{"), 400) == "invalid_request"
    assert code_of(api.request("POST", "/jobs", json={}), 400) == "invalid_request"
    assert code_of(api.submit({"nodes": [], "links": [], "last_node_id": 1}), 422) == "workflow_format_ui"
    for reserved in ({"webhook_url": "https://x"}, {"inputs": {}}, {"extra_data": {"other": 1}}, {"extra_data": 1}, {"extra_data": {"api_key_comfy_org": "x" * 4097}}, {"priority": 1000}, {"timeout": 0}):
        assert code_of(api.submit(good, **reserved), 400) == "invalid_request"
    assert code_of(api.submit(good, metadata={"a b": "x"}), 422) == "metadata_invalid"
    assert code_of(api.submit({"1": {"class_type": "Nobody", "inputs": {}}}), 422) == "invalid_workflow"
    good["1"]["inputs"]["width"] = "wide"
    reply = api.submit(good)
    assert code_of(reply, 422) == "invalid_workflow"
    errors = reply.json()["error"]["details"]["node_errors"]
    assert [(one["field"], one["reason"]) for one in errors["1"]] == [("width", "invalid_input_type")]
    for path in ("/jobs/nobody", "/jobs/nobody/events", "/jobs/nobody/workflow", "/assets/nobody", "/assets/nobody/content"):
        assert code_of(api.request("GET", path), 404) == "not_found"
    assert code_of(api.request("POST", "/jobs/nobody/cancel"), 404) == "not_found"


def test_a_key_makes_one_job(own):
    server = own()
    api = V2(server)
    bad = empty_image("../outside")
    bad["1"]["inputs"].pop("width")
    assert code_of(api.submit(bad, key="k"), 422) == "invalid_workflow"
    first = api.submit(empty_image("once"), key="k")
    assert first.status_code == 201, "what was refused used nothing up"
    assert code_of(api.submit(empty_image("twice"), key="k"), 422) == "idempotency_key_reuse"
    assert code_of(api.submit({}, key="k"), 422) == "idempotency_key_reuse", "whatever comes with it"
    assert code_of(api.submit(empty_image("x"), key="x" * 256), 400) == "invalid_request"
    api.ended(first.json()["id"])
    results = []
    threads = [threading.Thread(target=lambda: results.append(api.submit(empty_image("race"), key="same").status_code)) for _ in range(8)]
    [t.start() for t in threads], [t.join() for t in threads]
    assert sorted(results) == [201] + [422] * 7
    asset = api.upload(b"abc", "a.txt", "text/plain", key="a")
    assert asset.status_code == 201
    assert code_of(api.upload(b"def", "b.txt", "text/plain", key="a"), 422) == "idempotency_key_reuse"
    assert code_of(api.upload(b"def", "b.txt", "text/plain", key="b", expected_hash=UNKNOWN), 409) == "hash_mismatch"
    assert api.upload(b"def", "b.txt", "text/plain", key="b").status_code == 201
    server.kill()
    server.start()
    assert code_of(api.submit(empty_image("twice"), key="k"), 422) == "idempotency_key_reuse", "keys outlive the server"
    assert api.request("DELETE", f"/assets/{asset.json()['id']}").status_code == 204
    assert api.upload(b"abc", "a.txt", "text/plain", key="a").status_code == 201, "a deleted asset frees its key"


def test_the_stream_tells_everything_in_order(api):
    id = api.submit(empty_image("stream", 7, 32)).json()["id"]
    events = api.events(id)
    names = [name for _, name, _ in events]
    assert events[-1][1:] == ("status", {"status": "succeeded", "queue_position": None})
    assert "output" in names and names.index("output") < len(names) - 1
    values = [data["value"] for _, name, data in events if name == "progress"]
    assert values == sorted(values) and all(0 <= value <= 1 for value in values)
    output = next(data for _, name, data in events if name == "output")
    shown, = api.job(id)["outputs"]
    assert {**shown, "url_expires_at": 0} == {**output, "url_expires_at": 0}
    late = api.events(id)
    assert [(name, data.get("status")) for _, name, data in late] == [("output", None), ("status", "succeeded")], "after the end: what it made and how it ended"


def test_a_stream_that_was_cut_goes_on_where_it_stopped(own):
    server = own()
    api = V2(server)
    id = api.submit(sleepy("cut", 4)).json()["id"]
    seen = []
    while not any(event[0] for event in seen):
        seen += api.events(id, limit=len(seen) + 1)[len(seen):]
    last = [event[0] for event in seen if event[0]][-1]
    rest = api.events(id, last=last)
    numbers = [tuple(map(int, event[0].split("."))) for event in rest if event[0]]
    attempt, seq = map(int, last.split("."))
    assert numbers == [(attempt, n) for n in range(seq + 1, seq + 1 + len(numbers))], "no event twice, none left out"
    assert rest[-1][2]["status"] == "succeeded"
    again = api.events(id, last=last)
    assert [event[:2] for event in again] == [event[:2] for event in rest if event[0]], "its events are kept with it"
    server.kill()
    server.start()
    assert [event[:2] for event in api.events(id, last=last)] == [event[:2] for event in again], "and outlive the server"


def test_a_job_that_runs_anew_is_told_from_the_start(own):
    server = own()
    api = V2(server)
    id = api.submit(sleepy("anew", 5)).json()["id"]
    wait_for(lambda: api.job(id)["status"] == "running", 30, "it runs")
    last = api.events(id, limit=2)[-1][0] or "1.1"
    os.kill(server.worker_pids()[0], signal.SIGKILL)
    events = api.events(id, last=last)
    assert {event[0].split(".")[0] for event in events if event[0]} >= {"2"}
    assert ("status", {"status": "running", "queue_position": None}) in [event[1:] for event in events if event[0] and event[0].startswith("2.")]
    assert events[-1][2]["status"] == "succeeded"


def test_cancelling_what_waits_runs_and_is_over(api):
    running, waiting = (api.submit(sleepy(f"cancel{n}")).json()["id"] for n in range(2))
    wait_for(lambda: api.job(running)["status"] == "running", 30, "the first runs")
    assert api.job(waiting)["status"] == "queued" and api.job(waiting)["queue_position"] == 1
    stream = []
    watcher = threading.Thread(target=lambda: api.events(running, into=stream))
    watcher.start()
    assert api.request("POST", f"/jobs/{waiting}/cancel").json()["status"] == "canceled"
    wait_for(lambda: any(data.get("status") == "running" for _, _, data in list(stream)), 30, "its watcher knows that it runs")
    assert api.request("POST", f"/jobs/{running}/cancel").json()["status"] in ("canceling", "canceled")
    assert api.ended(running)["status"] == "canceled"
    watcher.join(30)
    assert [data["status"] for _, name, data in stream if name == "status"][-2:] == ["canceling", "canceled"]
    for id in (running, waiting):
        assert api.request("POST", f"/jobs/{id}/cancel").json()["status"] == "canceled", "any number of times"
    assert [data for _, name, data in api.events(waiting) if name == "status"] == [{"status": "canceled", "queue_position": None}]


def test_a_failure_says_what_and_where(api):
    job = api.ended(api.submit(empty_image("../outside")).json()["id"])
    assert job["status"] == "failed" and job["outputs"] == []
    assert job["error"]["code"] == "node_execution_error" and job["error"]["node_id"] == "2" and job["error"]["class_type"] == "SaveImage" and job["error"]["message"]
    assert isinstance(job["error"].get("traceback", ""), str)


def test_a_job_that_runs_out_of_time_says_so(own):
    api = V2(own())
    job = api.ended(api.submit(sleepy("slow", 60), timeout=1).json()["id"], 90)
    assert job["status"] == "failed" and job["error"]["code"] == "job_timeout"


def test_labels_find_jobs(own):
    api = V2(own())
    ids = [api.submit(empty_image(f"l{n}"), metadata={"client": "acme" if n % 2 else "other", "n": str(n)}).json()["id"] for n in range(6)]
    wanted = {ids[n] for n in (1, 3, 5)}
    found, cursor = [], None
    while True:
        page = api.request("GET", "/jobs", params={"metadata[client]": "acme", "limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        found += [job["id"] for job in page["jobs"]]
        assert all(job["metadata"]["client"] == "acme" for job in page["jobs"])
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert len(found) == 3 and set(found) == wanted
    assert [job["id"] for job in api.request("GET", "/jobs", params={"metadata[client]": "other", "metadata[n]": "4"}).json()["jobs"]] == [ids[4]]
    three = {f"metadata[{name}]": "x" for name in "abc"}
    assert api.request("GET", "/jobs", params=three).json()["jobs"] == []
    assert code_of(api.request("GET", "/jobs", params={**three, "metadata[d]": "x"}), 400) == "invalid_metadata_filter"


def test_jobs_are_listed_in_pages(own):
    api = V2(own())
    ids = [api.submit(empty_image(f"p{n}")).json()["id"] for n in range(5)]
    for id in ids:
        api.ended(id)
    first = api.request("GET", "/jobs", params={"limit": 3}).json()
    second = api.request("GET", "/jobs", params={"limit": 3, "cursor": first["next_cursor"]}).json()
    assert [job["id"] for job in first["jobs"] + second["jobs"]] == ids[::-1] and second["next_cursor"] is None
    assert {"id", "status", "create_time", "update_time", "deployment_id", "metadata"} <= set(first["jobs"][0])
    assert len(api.request("GET", "/jobs", params={"limit": 100}).json()["jobs"]) == 5
    for wrong in ("0", "101", "x"):
        assert code_of(api.request("GET", "/jobs", params={"limit": wrong}), 400) == "invalid_request"
    assert code_of(api.request("GET", "/jobs", params={"cursor": "!"}), 400) == "invalid_cursor"


def test_users_see_their_own_alone(tmp_path):
    with with_auth(tmp_path / "base") as server:
        assert code_of(V2(server).submit(empty_image("nobody")), 401) == "unauthorized"
        ann, bob = V2(server, **bearer("ann")), V2(server, **bearer("bob"))
        asset = ann.upload(b"hers", "hers.txt", "text/plain").json()
        job = ann.ended(ann.submit(empty_image("hers")).json()["id"])
        output = job["outputs"][0]
        assert ann.request("GET", f"/assets/{output['id']}/content").status_code == 200
        for path in (f"/jobs/{job['id']}", f"/jobs/{job['id']}/events", f"/jobs/{job['id']}/workflow", f"/assets/{asset['id']}", f"/assets/{asset['id']}/content",
                     f"/assets/{output['id']}", f"/assets/{output['id']}/content"):
            assert code_of(bob.request("GET", path), 404) == "not_found", path
        assert bob.request("HEAD", f"/assets/by-hash/{asset['hash']}").status_code == 404
        assert code_of(bob.request("DELETE", f"/assets/{asset['id']}"), 404) == "not_found"
        assert bob.request("GET", "/jobs").json()["jobs"] == []
        graph = {"1": {"class_type": "LoadImage", "inputs": {"image": {"__type": "core/ASSET", "info": {"id": asset["id"]}}}}, "9": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}}
        assert code_of(bob.submit(graph), 422) == "missing_asset"
        assert code_of(bob.submit(empty_image("x"), priority=1), 403) == "forbidden"


def test_one_user_has_a_limited_number_of_streams(own):
    server = own()
    api = V2(server)
    blocker = api.submit(sleepy("block", 30)).json()["id"]
    waiting = api.submit(empty_image("waits")).json()["id"]
    client = httpx.Client(timeout=60, limits=httpx.Limits(max_connections=None))
    streams = []
    try:
        for _ in range(100):
            reply = client.send(client.build_request("GET", f"{server.url}/api/v2/jobs/{waiting}/events"), stream=True)
            assert reply.status_code == 200
            streams.append(reply)
        one_more = api.request("GET", f"/jobs/{waiting}/events")
        assert code_of(one_more, 429) == "too_many_streams" and int(one_more.headers["retry-after"]) >= 1
        streams.pop().close()
        wait_for(lambda: client.send(client.build_request("GET", f"{server.url}/api/v2/jobs/{waiting}/events"), stream=True).status_code == 200, 30, "there is room again")
    finally:
        api.request("POST", f"/jobs/{waiting}/cancel"), api.request("POST", f"/jobs/{blocker}/cancel")
        client.close()


def test_a_body_over_the_limit_is_refused_in_the_form_of_its_interface(own):
    server = own("--max-upload-size", "0.01")
    api = V2(server)
    assert code_of(api.submit({"1": {"class_type": "x" * 20_000, "inputs": {}}}), 413) == "too_large"
    assert code_of(api.upload(b"x" * 20_000), 413) == "too_large"
    assert [p for p in (server.base / "input").rglob("*") if p.is_file()] == []
    image = server.post("/v1/images/generations", {"prompt": "x" * 2_000_000})
    assert image.status_code == 413 and image.json()["error"]["code"] == "too_large"
    assert server.post("/prompt", {"prompt": {"1": "x" * 20_000}}).text.startswith("Maximum request body size")


def test_a_server_below_a_path_gives_addresses_that_lead_there(api):
    proxied = V2(api.server, **{"X-Forwarded-Prefix": "/darkroom", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "pictures.example"})
    job = proxied.submit(empty_image("proxied")).json()
    assert job["urls"]["events"] == f"/darkroom/api/v2/jobs/{job['id']}/events"
    assert proxied.ended(job["id"])["outputs"][0]["url"].startswith("https://pictures.example/darkroom/api/v2/assets/")
