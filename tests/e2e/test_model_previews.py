"""GET /experiment/models/preview: pictures beside models, and inside them."""
import base64
import io
import json
import struct

import pytest
from PIL import Image


def picture(form, colour=(200, 30, 60), size=(24, 16)):
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, form)
    return out.getvalue()


def safetensors(metadata, pad=0):
    head = json.dumps({"__metadata__": metadata}).encode()
    head += b" " * (pad - len(head) if pad > len(head) else 0)
    return struct.pack("<Q", len(head)) + head


def preview(server, name, folder="loras", index=0):
    return server.get(f"/experiment/models/preview/{folder}/{index}/{name}")


def colour_of(reply):
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"] == "image/webp"
    shown = Image.open(io.BytesIO(reply.content))
    assert shown.format == "WEBP" and shown.size == (24, 16)
    return shown.convert("RGB").getpixel((12, 8))


def near(a, b):
    return all(abs(x - y) < 12 for x, y in zip(a, b))


@pytest.fixture
def models(own):
    server = own()
    folder = server.base / "models/loras"
    (folder / "sub").mkdir(parents=True, exist_ok=True)
    return server, folder


@pytest.mark.parametrize("beside", ["a.png", "a.jpg", "a.jpeg", "a.webp", "a.gif", "a.preview.png", "a.preview.jpg"])
def test_a_picture_beside_the_model(models, beside):
    server, folder = models
    (folder / "sub/a.safetensors").write_bytes(safetensors({}))
    assert preview(server, "sub/a.safetensors").status_code == 404
    form = {"jpg": "JPEG", "jpeg": "JPEG", "png": "PNG", "webp": "WEBP", "gif": "GIF"}[beside.rsplit(".", 1)[1]]
    (folder / "sub" / beside).write_bytes(picture(form))
    assert near(colour_of(preview(server, "sub/a.safetensors")), (200, 30, 60))
    assert near(colour_of(server.get("/api/experiment/models/preview/loras/0/sub/a.safetensors")), (200, 30, 60))


def test_the_cover_inside_the_model(models):
    server, folder = models
    covers = json.dumps([base64.b64encode(picture("PNG", (10, 180, 90))).decode(), "not this one"])
    (folder / "a.safetensors").write_bytes(safetensors({"ssmd_cover_images": covers}))
    assert near(colour_of(preview(server, "a.safetensors")), (10, 180, 90))
    (folder / "a.png").write_bytes(picture("PNG"))
    assert near(colour_of(preview(server, "a.safetensors")), (200, 30, 60)), "the one beside it goes first"
    assert not list(server.base.rglob(".darkroom-part-*"))


def test_a_cover_at_the_limit_of_the_head(models):
    server, folder = models
    covers = {"ssmd_cover_images": json.dumps([base64.b64encode(picture("PNG")).decode()])}
    (folder / "at.safetensors").write_bytes(safetensors(covers, 16 << 20))
    (folder / "over.safetensors").write_bytes(safetensors(covers, (16 << 20) + 1))
    assert preview(server, "at.safetensors").status_code == 200
    assert preview(server, "over.safetensors").status_code == 404


@pytest.mark.parametrize("metadata", [{"ssmd_cover_images": "[]"}, {"ssmd_cover_images": "no list"}, {"ssmd_cover_images": "[5]"},
                                      {"ssmd_cover_images": '["bm8gcGljdHVyZQ=="]'}, {"ssmd_cover_images": '["***"]'}, {"other": "x"}])
def test_what_is_no_cover_is_not_found(models, metadata):
    server, folder = models
    (folder / "a.safetensors").write_bytes(safetensors(metadata))
    assert preview(server, "a.safetensors").status_code == 404


def test_damage_and_ways_out_are_not_found(models):
    server, folder = models
    (folder / "a.safetensors").write_bytes(struct.pack("<Q", 1 << 60) + b"{}")
    (folder / "b.safetensors").write_bytes(b"")
    (folder / "c.safetensors").write_bytes(safetensors({}))
    (folder / "c.png").write_bytes(b"no picture")
    for name in ("a.safetensors", "b.safetensors", "c.safetensors", "none.safetensors", "../../input/x.png", "..%2F..%2Finput%2Fx.png"):
        assert preview(server, name).status_code in (400, 404), name
    assert preview(server, "c.safetensors", index=7).status_code == 404
    assert preview(server, "c.safetensors", folder="nope").status_code == 404
