"""Several users of one server: nobody sees, hears, takes or stops what is another's, and each has a share."""
import io
import json
import time
import uuid

import pytest
from harness import empty_image, messages_until_end, wait_for
from identities import bearer, ticket, with_auth
from PIL import Image
from restorations import check_sequence, photo, restore, until_closed, watch
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    with with_auth(tmp_path_factory.mktemp("shared") / "base", test_worker=True) as running:
        yield running


@pytest.fixture
def users(shared):
    """Two users whom no other test knows."""
    return [shared.as_somebody(bearer(f"{name}-{uuid.uuid4().hex[:8]}")) for name in ("anna", "bob")]


def picture(color, size=8):
    out = io.BytesIO()
    Image.new("RGB", (size, size), color).save(out, "PNG")
    return out.getvalue()


def loaded(name, prefix="copy"):
    return {"1": {"class_type": "LoadImage", "inputs": {"image": name}}, "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": prefix}}}


def sleeping(seconds, tag):
    return {"1": {"class_type": "RT_Int", "inputs": {"value": 1, "tag": tag}},
            "2": {"class_type": "RT_Sleep", "inputs": {"value": ["1", 0], "seconds": seconds, "steps": 100, "tag": tag}},
            "3": {"class_type": "PreviewAny", "inputs": {"source": ["2", 0]}}}


def socket_of(user, client_id, path="ws"):
    return connect(f"ws://127.0.0.1:{user.port}/{path}?clientId={client_id}&ticket={ticket(user)}", max_size=None, compression=None)


def test_jobs_are_seen_by_their_owner_alone(users):
    anna, bob = users
    job = anna.queue(empty_image("mine"))
    entry = anna.wait(job)
    assert bob.json("/history") == {} and bob.json(f"/history/{job}") == {}
    assert bob.json("/api/jobs")["jobs"] == [] and bob.get(f"/api/jobs/{job}").status_code == 404
    bob.post("/history", {"delete": [job]})
    bob.post("/history", {"clear": True})
    assert anna.json(f"/history/{job}")
    image = entry["outputs"]["2"]["images"][0]
    assert anna.view(image)
    for wrong in (image, {**image, "subfolder": f"../{list_of_rooms(anna)[0]}"}):
        assert bob.get("/view", params={k: wrong[k] for k in ("filename", "subfolder", "type")}).status_code in (403, 404)


def list_of_rooms(server):
    return sorted(one.name for one in (server.base / "output/users").iterdir())


def test_a_waiting_job_is_another_users_business(shared, users):
    anna, bob = users
    running, waiting = anna.queue(sleeping(3, "busy")), anna.queue(empty_image("later"))
    mine = bob.queue(empty_image("bob"))
    wait_for(lambda: len(anna.json("/queue")["queue_running"]) == 1, 10, "anna's job runs")
    assert [one[1] for one in bob.json("/queue")["queue_pending"]] == [mine] and bob.json("/queue")["queue_running"] == []
    assert anna.json("/prompt")["exec_info"]["queue_remaining"] == 2 and bob.json("/prompt")["exec_info"]["queue_remaining"] == 1
    bob.post("/interrupt", {})
    bob.post("/interrupt", {"prompt_id": running})
    bob.post("/queue", {"delete": [waiting]})
    bob.post("/queue", {"clear": True})
    assert bob.json("/queue") == {"queue_running": [], "queue_pending": []}
    assert bob.post(f"/api/jobs/{running}/cancel").json() == {"cancelled": False}
    assert anna.wait(running)["status"]["status_str"] == "success" and anna.wait(waiting)["status"]["status_str"] == "success"


def test_the_same_prompt_id_twice(users):
    anna, bob = users
    job = str(uuid.uuid4())
    for user, prefix in ((anna, "a"), (bob, "b")):
        user.queue(empty_image(prefix), prompt_id=job)
    for user, prefix in ((anna, "a"), (bob, "b")):
        assert user.wait(job)["outputs"]["2"]["images"][0]["filename"].startswith(prefix)


def test_messages_go_to_the_owners_sockets_alone(users):
    anna, bob = users
    with socket_of(anna, "tab") as hers, socket_of(bob, "tab") as his:
        job = anna.queue(empty_image("told", color=7), client_id="tab")
        assert any(one[0] == "executed" for one in messages_until_end(hers, job) if not isinstance(one, bytes))
        loud = anna.queue({"1": {"class_type": "RT_Send", "inputs": {"to": "all", "text": "hello", "tag": uuid.uuid4().hex}}}, client_id="tab")
        assert any("hello" in json.dumps(one[1]) for one in messages_until_end(hers, loud) if not isinstance(one, bytes))
        anna.wait(anna.queue(empty_image("nobody's", color=9)))  # without a client: to all sockets, of hers
        mine = bob.queue(empty_image("his", color=8), client_id="tab")
        for one in messages_until_end(his, mine):
            assert not isinstance(one, bytes)
            kind, data = one
            assert kind == "status" or data.get("prompt_id") == mine, one
            if kind == "status":
                assert data["status"]["exec_info"]["queue_remaining"] <= 1, "her jobs are not counted"


def test_files_of_the_same_name(users):
    anna, bob = users
    for user, color in ((anna, "red"), (bob, "blue")):
        assert user.upload("same.png", picture(color)).json()["name"] == "same.png"
    for user, color in ((anna, (255, 0, 0)), (bob, (0, 0, 255)), (anna, (255, 0, 0))):
        image = user.run(loaded("same.png", uuid.uuid4().hex))["outputs"]["2"]["images"][0]
        assert Image.open(io.BytesIO(user.view(image))).getpixel((0, 0))[:3] == color
    anna.upload("hers.png", picture("green"))
    choices = lambda user: user.json("/object_info")["LoadImage"]["input"]["required"]["image"][0]
    assert choices(anna) == ["hers.png", "same.png"] and choices(bob) == ["same.png"]
    assert bob.json("/object_info/LoadImage")["LoadImage"]["input"]["required"]["image"][0] == ["same.png"]
    refused = bob.post("/prompt", {"prompt": loaded("hers.png")})
    assert refused.status_code == 400 and "hers.png" in refused.text
    for way_out in ("../alice/same.png", "../../same.png", "/etc/passwd", "users/x/same.png"):
        assert bob.post("/prompt", {"prompt": loaded(way_out)}).status_code == 400, way_out


def test_results_are_not_taken_from_anothers_cache(users):
    """The same graph for both: what is in memory from one user's job is not the other's, whatever it would be."""
    anna, bob = users
    graph = empty_image(uuid.uuid4().hex, color=11)
    cached = lambda entry: [m for m in entry["status"]["messages"] if m[0] == "execution_cached"][0][1]["nodes"]
    assert cached(anna.run(graph)) == [] and cached(bob.run(graph)) == []
    assert cached(bob.run(graph)) == ["1", "2"], "his own is"


def test_settings_and_workflows_are_a_users_own(users):
    anna, bob = users
    assert anna.http.post("/userdata/workflows%2Fa.json", content=b"{}").status_code == 200
    anna.post("/settings", {"theme": "dark"})
    assert bob.get("/userdata/workflows%2Fa.json").status_code == 404 and bob.json("/settings") == {}
    assert anna.get("/userdata/workflows%2Fa.json").text == "{}" and anna.json("/settings") == {"theme": "dark"}
    assert anna.json("/users")["storage"] == "server"


PACK = '''
import os
import folder_paths

class Where:
    INPUT_TYPES = classmethod(lambda cls: {"required": {"tag": ("STRING", {})}})
    RETURN_TYPES, FUNCTION, OUTPUT_NODE = (), "run", True

    def __init__(self):
        self.made_for = folder_paths.get_output_directory()  # as many packs do

    def run(self, tag):
        with open(os.path.join(self.made_for, "mark.txt"), "w") as file:
            file.write(tag)
        return {"ui": {"where": [self.made_for, folder_paths.get_input_directory(), folder_paths.get_directory_by_type("temp"),
                                 folder_paths.get_annotated_filepath("a.png"), folder_paths.get_save_image_path("x", self.made_for)[0]]}}

    @classmethod
    def IS_CHANGED(cls, tag):
        return folder_paths.get_input_directory()

NODE_CLASS_MAPPINGS = {"Where": Where}
'''


def test_packs_write_into_the_folders_of_the_user_whose_job_it_is(tmp_path):
    (tmp_path / "base/custom_nodes").mkdir(parents=True)
    (tmp_path / "base/custom_nodes/where.py").write_text(PACK)
    with with_auth(tmp_path / "base") as server:
        graph = {"1": {"class_type": "Where", "inputs": {"tag": "x"}}}
        for name in ("anna", "bob", "anna", "local-like"):
            where = server.as_somebody(bearer(name)).run(graph)["outputs"]["1"]["where"]
            for path, kind in zip(where, ("output", "input", "temp", "input", "output")):
                assert f"/{kind}/users/{name}" in path, where
            assert (tmp_path / "base/output/users" / name / "mark.txt").read_text() == "x"
        assert not (tmp_path / "base/output/mark.txt").exists()


# ---- restorations

def test_a_restoration_is_its_owners(users):
    anna, bob = users
    id = str(uuid.uuid4())
    with connect(f"ws://127.0.0.1:{bob.port}/ws/progress?job={id}&ticket={ticket(bob)}") as his:
        with connect(f"ws://127.0.0.1:{anna.port}/ws/progress?job={id}&ticket={ticket(anna)}") as hers:
            assert restore(anna, photo(64), id=id, sharpen=0.5).status_code == 202
            messages = until_closed(hers)
        check_sequence(messages)
        with pytest.raises(TimeoutError):
            his.recv(timeout=0.3)
    for path in (f"/restore/{id}", f"/results/{id}/result.png", f"/results/{id}/original"):
        assert bob.get(path).status_code == 404 and anna.get(path).status_code == 200, path
    assert bob.json("/restore/jobs")["jobs"] == [] and bob.http.delete(f"/restore/{id}").status_code == 404
    assert [one["job_id"] for one in anna.json("/restore/jobs")["jobs"]] == [id]
    # Her folder has it, and nobody else's.
    assert len(list((anna.base / "input/users").rglob(f"{id}*"))) == 1 and not list((anna.base / "input/restorations").glob("*") if (anna.base / "input/restorations").exists() else [])
    # The address that she was told is good for a page without a login, and for this picture alone.
    link = messages[-1]["result_url"]
    nobody = anna.as_somebody({})
    assert "link=" in link and nobody.get(link).status_code == 200
    assert nobody.get(link + "&format=jpeg").headers["content-type"] == "image/jpeg"
    assert nobody.get(link.replace("/result.png", "/original")).status_code == 403
    assert nobody.get(link[:-3] + "abc").status_code == 403
    assert nobody.http.delete(link).status_code in (401, 405)
    assert anna.get("/queue?link=x").status_code == 200, "the word means something below /results alone"
    assert anna.get(f"/results/{id}/result.png?link=x").status_code == 200, "she has a login"
    assert nobody.get("/api" + link).status_code == 200
    assert anna.json(f"/restore/{id}")["result_url"].startswith(f"/results/{id}/result.png?link=")
    assert anna.http.delete(f"/restore/{id}").status_code == 200
    assert not list((anna.base / "input/users").rglob(f"{id}*")) and not list((anna.base / "output/users").rglob(f"{id}*"))
    assert nobody.get(link).status_code == 404


def test_the_plain_client_gets_its_users_newest_job(users):
    anna, bob = users
    with connect(f"ws://127.0.0.1:{anna.port}/ws/progress?ticket={ticket(anna)}") as hers, connect(f"ws://127.0.0.1:{bob.port}/ws/progress?ticket={ticket(bob)}") as his:
        assert restore(bob, photo(64), sharpen=0.5).status_code == 202
        assert until_closed(his)[-1]["stage"] == "complete"
        with pytest.raises(TimeoutError):
            hers.recv(timeout=0.3)


def test_an_id_that_is_anothers_while_it_runs(users):
    anna, bob = users
    id = anna.queue(sleeping(1.5, "x"), prompt_id=str(uuid.uuid4()))
    reply = restore(bob, photo(64), id=id, sharpen=0.5)
    assert reply.status_code == 202, "ids of different users are different jobs"
    wait_for(lambda: bob.json(f"/restore/{id}")["state"] == "complete", 20, "his restoration ends")
    assert anna.wait(id)["status"]["status_str"] == "success"


def test_a_link_has_its_time(tmp_path):
    with with_auth(tmp_path / "base", "--link-hours", "0.01") as server:  # 36 s
        anna = server.as_somebody(bearer("anna"))
        id = restore(anna, photo(64), sharpen=0.5).json()["job_id"]
        link = wait_for(lambda: anna.json(f"/restore/{id}").get("result_url"), 20, "the result is there")
        import base64
        claims = json.loads(base64.urlsafe_b64decode(link.split("link=")[1].split(".")[0] + "=="))
        assert claims["user"] == "anna" and claims["path"] == f"/results/{id}/result.png" and 0 < claims["exp"] - time.time() <= 36


# ---- shares

@pytest.fixture(scope="module")
def narrow(tmp_path_factory):
    """A server that gives each user little."""
    flags = ["--user-waiting", "3", "--user-uploads", "4", "--user-bytes", "200K", "--user-megapixels", "0.02"]
    with with_auth(tmp_path_factory.mktemp("narrow") / "base", *flags, test_worker=True) as running:
        yield running


def test_a_user_has_so_many_waiting_jobs(narrow):
    anna, bob, root = (narrow.as_somebody(bearer(name)) for name in ("anna", "bob", "root"))
    anna.queue(sleeping(2, "first"))
    wait_for(lambda: anna.json("/queue")["queue_running"], 10, "the first one runs")
    for i in range(3):
        anna.queue(empty_image(f"w{i}"))
    over = anna.post("/prompt", {"prompt": empty_image("over")})
    assert over.status_code == 429 and over.json()["error"]["type"] == "queue_full" and "3 jobs waiting" in over.text and int(over.headers["Retry-After"]) > 0
    over = restore(anna, photo(64), sharpen=0.5)
    assert over.status_code == 429 and over.json()["code"] == "too_many" and int(over.headers["Retry-After"]) > 0
    assert bob.post("/prompt", {"prompt": empty_image("bob")}).status_code == 200
    anna.post("/queue", {"clear": True})
    assert anna.post("/prompt", {"prompt": empty_image("again")}).status_code == 200


def test_a_user_uploads_so_often(narrow):
    carla = narrow.as_somebody(bearer("carla"))
    for i in range(4):
        assert carla.upload(f"{i}.png", picture("red")).status_code == 200
    for over in (carla.upload("over.png", picture("red")), restore(carla, photo(64), sharpen=0.5)):
        assert over.status_code == 429 and 1 <= int(over.headers["Retry-After"]) <= 60, over.text
    assert not list((narrow.base / "input/users/carla").glob("over*"))
    assert narrow.as_somebody(bearer("dora")).upload("d.png", picture("red")).status_code == 200


def test_a_user_uploads_so_many_bytes(narrow):
    emil = narrow.as_somebody(bearer("emil"))
    assert emil.upload("a.bin", b"x" * 150_000).status_code == 200
    over = emil.upload("b.bin", b"x" * 60_000)
    assert over.status_code == 429 and 60 < int(over.headers["Retry-After"]) <= 3600, over.text
    assert emil.upload("c.bin", b"x" * 40_000).status_code == 200


def test_a_user_has_so_many_pixels_restored(narrow):
    fritz = narrow.as_somebody(bearer("fritz"))
    data = photo(100)
    size = Image.open(io.BytesIO(data)).size
    assert size[0] * size[1] < 20_000 < 2 * size[0] * size[1]
    assert restore(fritz, data, sharpen=0.5).status_code == 202
    over = restore(fritz, data, sharpen=0.5)
    assert over.status_code == 429 and over.json()["code"] == "too_many" and int(over.headers["Retry-After"]) > 60, over.text


def test_what_no_waiting_would_help(narrow):
    greta = narrow.as_somebody(bearer("greta"))
    limits = greta.json("/restore/info")["limits"]
    assert (limits["bytes"], limits["pixels"]) == (200 << 10, 20_000)
    wide = restore(greta, photo(200), sharpen=0.5)
    assert wide.status_code == 413 and wide.json()["code"] == "too_large" and "Retry-After" not in wide.headers, wide.text
    for route in ("/upload/image", "/restore"):
        assert greta.upload("large.png", b"x" * 300_000, route).status_code == 413, route


def test_users_take_turns(shared, users):
    """A user with many jobs does not make one with a single job wait for all of them, not even with `front`."""
    anna, bob = users
    anna.queue(sleeping(1, "busy"))
    many = [anna.queue(empty_image(f"t{i}"), front=True) for i in range(6)]
    single = bob.queue(empty_image("single"))
    started = lambda entry: entry["status"]["messages"][0][1]["timestamp"]
    mine = started(bob.wait(single))
    before = [job for job in many if started(anna.wait(job)) < mine]
    assert len(before) <= 1, f"{len(before)} of her jobs went first"


def test_a_user_runs_so_many_jobs_at_once(tmp_path):
    with with_auth(tmp_path / "base", "--workers", "2", "--user-running", "1", test_worker=True) as server:
        anna, bob = (server.as_somebody(bearer(name)) for name in ("anna", "bob"))
        wait_for(lambda: len(server.worker_pids()) == 2 and server.log_text().count("is ready") == 2, 30, "two workers")
        first, second = (anna.queue(sleeping(1.5, f"j{i}")) for i in range(2))
        wait_for(lambda: anna.json("/queue")["queue_running"], 10, "her first job runs")
        his = bob.queue(sleeping(1.5, "his"))
        wait_for(lambda: bob.json("/queue")["queue_running"], 5, "his runs beside it")
        queue = anna.json("/queue")
        assert [one[1] for one in queue["queue_running"]] == [first] and [one[1] for one in queue["queue_pending"]] == [second]
        for user, job in ((anna, first), (anna, second), (bob, his)):
            assert user.wait(job)["status"]["status_str"] == "success"


def test_a_restart_keeps_users_apart(tmp_path):
    with with_auth(tmp_path / "base", test_worker=True) as server:
        anna, bob = (server.as_somebody(bearer(name)) for name in ("anna", "bob"))
        jobs = [anna.queue(sleeping(0.5, f"r{i}")) for i in range(3)]
        server.kill()
        server.start()
        for job in jobs:
            assert anna.wait(job)["status"]["status_str"] == "success"
        assert bob.json("/history") == {} and server.json("/history") == {}
