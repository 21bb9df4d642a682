"""Pictures and options that the photo service refuses, and what a result keeps of its original."""
import io
import struct
import uuid
import zlib

import numpy as np
import pytest
from PIL import Image

from harness import wait_for
from restorations import photo, restore


# ---- bad input

def png_head(width, height):
    """A PNG that says it is this large, and holds nothing."""
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


BAD_FILES = {
    "empty": (b"", "bad_image"),
    "one byte": (b"\xff", "bad_image"),
    "text": (b"this is no picture", "bad_image"),
    "html": (b"<html><script>alert(1)</script></html>", "bad_image"),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>", "bad_image"),
    "pdf": (b"%PDF-1.4\n%\xe2\xe3", "bad_image"),
    "zip": (b"PK\x03\x04" + b"\0" * 40, "bad_image"),
    "elf": (b"\x7fELF" + b"\0" * 60, "bad_image"),
    "zeros": (b"\0" * 5000, "bad_image"),
    "noise": (bytes(range(256)) * 20, "bad_image"),
    "png signature alone": (b"\x89PNG\r\n\x1a\n", "bad_image"),
    "jpeg start alone": (b"\xff\xd8\xff\xe0", "bad_image"),
    "gif head alone": (b"GIF89a", "bad_image"),
    "webp head alone": (b"RIFF\x10\0\0\0WEBPVP8 ", "bad_image"),
    "tiff head alone": (b"II*\0\x08\0\0\0", "bad_image"),
    "tiff with a circle": (b"II*\0\x08\0\0\0\0\0\x08\0\0\0", "bad_image"),
    "bmp head alone": (b"BM" + b"\0" * 20, "bad_image"),
    "avif head alone": (b"\0\0\0\x20ftypavif" + b"\0" * 20, "bad_image"),
    "png bomb": (png_head(60_000, 60_000), "too_large"),
    "png of no pixels": (png_head(0, 0), "bad_image"),
    "jpeg of noise": (b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0" + bytes(range(255)) * 9 + b"\xff\xd9", "bad_image"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files_are_refused_in_words(server, name):
    data, code = BAD_FILES[name]
    reply = restore(server, data, name + ".png", scratch=1)
    assert (reply.status_code, reply.json()["code"]) == (413 if code == "too_large" else 400, code), reply.text
    assert len(reply.json()["error"]) > 10 and "/" not in reply.json()["error"].replace("multipart/form-data", "")
    assert not [f for f in server.base.glob("input/restorations/*") if f.stat().st_size == len(data)]


def test_a_picture_without_its_end_is_restored_as_far_as_it_goes(server):
    data = photo(200, "JPEG")
    reply = restore(server, data[:len(data) * 2 // 3], "half.jpg", scratch=1)
    assert reply.status_code == 202
    wait_for(lambda: server.json(f"/restore/{reply.json()['job_id']}")["state"] == "complete", 30, "half a picture is restored")


@pytest.mark.parametrize("options, code", [
    ({"upscale": 3}, "bad_options"), ({"upscale": "2"}, "bad_options"), ({"denoise": 2}, "bad_options"), ({"denoise": "much"}, "bad_options"),
    ({"sharpen": -1}, "bad_options"), ({"size": 100}, "bad_options"), ({"size": 4096}, "bad_options"), ({"colour": True}, "bad_options"),
    ({"scratch": None}, "bad_options"), ({"lang": "fr", "scratch": 1}, "bad_options"), ({"upscale": 2, "upscale_model": "../x.pth"}, "bad_options"),
    ({"denoise": 0, "colorize": False}, "nothing_to_do"),
])
def test_bad_options_are_refused(server, options, code):
    reply = restore(server, photo(32), **options)
    assert (reply.status_code, reply.json()["code"]) == (400, code), reply.text


def test_colours_without_a_colouriser(own):
    server = own("--no-demonstration-models")
    assert not server.json("/restore/info")["models"]["colorize"]
    reply = restore(server, photo(32), colorize=True)
    assert (reply.status_code, reply.json()["code"]) == (409, "no_model")


def test_bad_forms_and_ids(server):
    post = server.http.post
    assert post("/restore", json={}).json()["code"] == "no_image"
    assert post("/restore", data={"options": "{}"}, files={"other": ("a.png", photo(32))}).json()["code"] == "no_image"
    assert post("/restore", files={"image": ("a.png", photo(32))}, data={"options": "{"}).json()["code"] == "bad_options"
    assert post("/restore", files={"image": ("a.png", photo(32))}, data={"options": "[]"}).json()["code"] == "bad_options"
    assert restore(server, photo(32), id="../../etc/passwd", scratch=1).json()["code"] == "bad_id"
    cut = post("/restore", content=b"--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a\"\r\n\r\nxx",
               headers={"content-type": "multipart/form-data; boundary=b"})
    assert (cut.status_code, cut.json()["code"]) == (400, "bad_form")
    job = str(uuid.uuid4())
    assert restore(server, photo(32), id=job, scratch=1).status_code == 202
    taken = restore(server, photo(32), id=job, scratch=1)
    assert (taken.status_code, taken.json()["code"]) == (409, "id_taken")
    for path in ("/restore/nobody", "/results/nobody/result.png", "/results/nobody/preview"):
        assert server.get(path).status_code == 404
    assert server.http.delete("/restore/nobody").status_code == 404
    assert server.get("/ws/progress").status_code == 400


# ---- what a result keeps of its original

def exif_of(picture):
    exif = picture.getexif()
    return exif, exif.get_ifd(0x8825)


def with_exif(kind):
    picture = Image.open(io.BytesIO(photo(80)))
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Kodak", 6
    exif.get_ifd(0x8769)[0x9003] = "1936:03:01 12:00:00"
    exif.get_ifd(0x8825).update({1: "N", 2: (35.0, 1.0, 2.0), 3: "W", 4: (120.0, 2.0, 3.0)})
    out = io.BytesIO()
    picture.save(out, kind, exif=exif.tobytes(), **({"quality": 95} if kind == "JPEG" else {}))
    return out.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
@pytest.mark.parametrize("keep", [False, True])
def test_exif_survives_but_for_orientation_and_place(server, keep, kind):
    job = restore(server, with_exif(kind), "a.jpg", colorize=False, sharpen=0.1, keep_gps=keep).json()["job_id"]
    wait_for(lambda: server.json(f"/restore/{job}")["state"] == "complete", 30, "it completes")
    picture = Image.open(io.BytesIO(server.get(f"/results/{job}/result.png").content))
    original = Image.open(io.BytesIO(with_exif("JPEG")))
    assert picture.size == (original.height, original.width), "turned upright"
    exif, gps = exif_of(picture)
    assert exif[0x010F].strip("\0 ") == "Kodak" and exif.get(0x0112, 1) == 1
    assert exif.get_ifd(0x8769)[0x9003].strip("\0 ") == "1936:03:01 12:00:00"
    assert bool(gps) == keep
    assert picture.info["icc_profile"] and b"algorithmicallyEnhanced" in picture.info["XML:com.adobe.xmp"].encode()
    jpeg = Image.open(io.BytesIO(server.get(f"/results/{job}/result.jpg").content))
    assert jpeg.getexif()[0x010F].strip("\0 ") == "Kodak" and jpeg.info["icc_profile"]


def test_a_browser_can_see_a_tiff(server):
    job = restore(server, with_exif("TIFF"), "a.tif", sharpen=0.1).json()["job_id"]
    wait_for(lambda: server.json(f"/restore/{job}")["state"] == "complete", 30, "it completes")
    assert server.get(f"/results/{job}/original").content == with_exif("TIFF")
    seen = server.get(f"/results/{job}/original", params={"format": "webp"})
    turned = Image.open(io.BytesIO(photo(80)))
    assert seen.headers["content-type"] == "image/webp" and Image.open(io.BytesIO(seen.content)).size == (turned.height, turned.width), "upright"
    assert server.get(f"/results/{job}/original", params={"format": "svg"}).status_code == 400
    both = Image.open(io.BytesIO(server.get(f"/results/{job}/side-by-side.png").content))
    assert both.height == turned.width and both.width >= 2 * turned.height


def test_sixteen_bits_and_alpha_survive(server):
    rows = np.linspace(0, 65535, 64 * 48).reshape(48, 64).astype(np.uint16)
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    pixels = np.stack([rows, rows[::-1], rows[:, ::-1], np.full_like(rows, 40000)], axis=2).astype(">u2")
    raw = b"".join(b"\0" + pixels[y].tobytes() for y in range(48))
    deep = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 48, 16, 6, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
    job = restore(server, deep, "deep.png", colorize=False, scratch=0.01).json()["job_id"]
    wait_for(lambda: server.json(f"/restore/{job}")["state"] == "complete", 30, "it completes")
    result = server.get(f"/results/{job}/result.png").content
    assert result[24:26] == bytes([16, 6]), "16 bits, RGB with alpha"
    data = b""
    at = 8
    while at < len(result):
        size, kind = struct.unpack(">I4s", result[at:at + 8])
        data += result[at + 8:at + 8 + size] if kind == b"IDAT" else b""
        at += size + 12
    lines = zlib.decompress(data)
    assert len(lines) == 48 * (1 + 64 * 8)
    # Nothing was repaired: to the last of 16 bits the same, whatever filter the rows have.
    stride, previous = 64 * 8, np.zeros(64 * 8, np.uint8)
    got = []
    for y in range(48):
        kind, line = lines[y * (stride + 1)], bytearray(lines[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        for x in range(stride):
            a, b, c = line[x - 8] if x >= 8 else 0, int(previous[x]), int(previous[x - 8]) if x >= 8 else 0
            p = a + b - c
            paeth = a if abs(p - a) <= abs(p - b) and abs(p - a) <= abs(p - c) else b if abs(p - b) <= abs(p - c) else c
            line[x] = (line[x] + (0, a, b, (a + b) // 2, paeth)[kind]) & 255
        previous = np.frombuffer(bytes(line), np.uint8)
        got.append(previous.view(">u2").reshape(64, 4))
    assert np.array_equal(np.stack(got), pixels)


def test_a_profile_becomes_srgb(server):
    from PIL import ImageCms
    picture = Image.new("RGB", (64, 48), (200, 30, 40))
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    out = io.BytesIO()
    picture.save(out, "PNG", icc_profile=lab.tobytes())
    job = restore(server, out.getvalue(), colorize=False, sharpen=0.1).json()["job_id"]
    wait_for(lambda: server.json(f"/restore/{job}")["state"] == "complete", 30, "it completes")
    result = Image.open(io.BytesIO(server.get(f"/results/{job}/result.png").content)).convert("RGB")
    assert np.abs(np.asarray(result, int) - (200, 30, 40)).max() <= 2
