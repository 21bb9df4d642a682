"""What a killed server leaves behind is cleared away by the next one, and nothing else."""
import fcntl
import os
import socket
import time

from harness import empty_image, wait_for


def parts(server):
    return sorted(p.name for p in server.base.rglob(".darkroom-part-*"))


def test_an_upload_that_a_kill_cut_short_is_gone_after_the_next_start(own):
    server = own()
    head = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n'
    with socket.create_connection(("127.0.0.1", server.port)) as s:
        s.sendall(b"POST /upload/image HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000000\r\n\r\n" + head + b"x" * 200_000)
        wait_for(lambda: parts(server), 10, "the upload is being written")
        server.kill()
    assert len(parts(server)) == 1
    # One that another process writes just now has a lock, and stays.
    alive = server.base / "output" / ".darkroom-part-alive"
    with open(alive, "wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        server.start()
        wait_for(lambda: parts(server) == [alive.name], 10, "what is stale is removed")
        assert server.run(empty_image("next"))["status"]["status_str"] == "success"
        assert alive.exists()
    server.kill()
    server.start()
    wait_for(lambda: parts(server) == [], 10, "now it is stale, too")


def test_old_previews_go_and_those_that_the_history_names_stay(own):
    server = own()
    workflow = empty_image("kept")
    workflow["2"] = {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}
    shown = server.run(workflow)["outputs"]["2"]["images"][0]
    assert shown["type"] == "temp"
    temp = server.base / "temp"
    (temp / "folder").mkdir()
    for name in ("old.png", "folder/old.png", "young.png"):
        (temp / name).write_bytes(b"x")
    day = 24 * 3600
    for name, age in ((shown["filename"], 3 * day), ("old.png", day + 60), ("folder/old.png", day + 60), ("young.png", day - 600)):
        os.utime(temp / name, (time.time() - age,) * 2)
    server.stop()
    server.start()
    wait_for(lambda: sorted(p.name for p in temp.rglob("*") if p.is_file()) == sorted([shown["filename"], "young.png"]), 10, "what is old is removed")
    assert server.get(f"/view?filename={shown['filename']}&type=temp").status_code == 200


def test_what_a_visitor_left_goes_by_age(own):
    server = own("--visitor-keep", "2")
    gone, here = (server.as_somebody({"X-Forwarded-For": address}) for address in ("203.0.113.7", "203.0.113.8"))
    shown = {}
    for one in (gone, here):
        one.get("/auth/me")  # the cookie
        shown[one] = one.run(empty_image("seen"))["outputs"]["2"]["images"][0]
        assert one.view(shown[one])
    mine = server.run(empty_image("mine"))["outputs"]["2"]["images"][0]
    days = time.time() - 2 * 24 * 3600
    (room,) = (p for p in (server.base / "output/visitors").iterdir() if p.name == gone.get("/auth/me").json()["name"].partition(":")[2])
    for path in (*room.rglob("*"), room, server.base / "output" / mine["filename"]):
        os.utime(path, (days - 60,) * 2)
    server.stop()
    server.start()
    wait_for(lambda: not room.exists(), 10, "the room of the one is removed")
    assert server.view(mine) and here.view(shown[here])
    assert gone.get("/view", params={k: shown[gone][k] for k in ("filename", "subfolder", "type")}).status_code == 404
