"""Files that the photo page refuses, and those that the server does."""
import os

import pytest
from playwright.sync_api import expect

from restore_page import BOATS, CANYON, HOME, picture


JPEG = BOATS.read_bytes()
REFUSED_HERE = {
    "text": ("letter.txt", "text/plain", b"Dear", "Not a picture"),
    "pdf": ("scan.pdf", "application/pdf", b"%PDF-1.7", "Not a picture"),
    "gif": ("moving.gif", "image/gif", picture(form="GIF"), "Not a picture"),
    "bmp": ("old.bmp", "image/bmp", picture(form="BMP"), "Not a picture"),
    "heic": ("phone.heic", "image/heic", b"\0\0\0\x18ftypheic", "Not a picture"),
    "svg": ("drawing.svg", "image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "Not a picture"),
    "html": ("page.html", "text/html", b"<script>alert(1)</script>", "Not a picture"),
    "no-type": ("photo", "", JPEG, "Not a picture"),
    "empty": ("nothing.jpg", "image/jpeg", b"", "The file is empty"),
    "many-bytes": ("heavy.jpg", "image/jpeg", JPEG + b"\0" * (21 * 1024 ** 2), "This file is 21 MB. The limit is 20 MB."),
    "many-pixels": ("wide.png", "image/png", picture(9000, 6000, mode="L"), "This photo has 54 megapixels. The limit is 50."),
    "name-with-markup": ("<b onclick=x>.txt", "text/plain", b"x", "Not a picture"),
}
REFUSED_THERE = {
    "cut-short": ("half.jpg", "image/jpeg", JPEG[:2000], "This file can't be read"),
    "text-called-jpg": ("letter.jpg", "image/jpeg", b"Dear Anna, " * 50, "This is no picture"),
    "html-called-png": ("page.png", "image/png", b"<html><script>alert(1)</script>", "This is no picture"),
    "zip-called-webp": ("zip.webp", "image/webp", b"PK\x03\x04" + b"\0" * 200, "This is no picture"),
    "zeros": ("zeros.png", "image/png", b"\0" * 5000, "This is no picture"),
    "png-head-only": ("head.png", "image/png", picture()[:20], "This file can't be read"),
    "tiff-garbage": ("scan.tif", "image/tiff", b"II*\0" + b"\xff" * 300, "This is no picture"),
    "webp-cut": ("cut.webp", "image/webp", picture(form="WEBP")[:14], "This file can't be read"),
}


@pytest.mark.parametrize("kind", REFUSED_HERE)
def test_a_file_that_is_refused_before_the_upload(mock, visit, kind):
    name, mime, data, words = REFUSED_HERE[kind]
    one = visit(mock.url)
    one.pick((name, mime, data))
    note = one.page.locator(".refused li")
    expect(note).to_contain_text(words)
    expect(note).to_contain_text(name)
    assert mock.posts == 0
    one.heading("Lay your photographs here")
    note.get_by_role("button", name="Close").click()
    expect(note).to_have_count(0)


@pytest.mark.parametrize("kind", REFUSED_THERE)
def test_a_file_that_the_server_refuses(mock, visit, kind):
    name, mime, data, words = REFUSED_THERE[kind]
    one = visit(mock.url, with_trouble=True)
    one.pick((name, mime, data)).restore()
    one.heading(words)
    expect(one.page.get_by_role("button", name="Retry")).to_have_count(0)


def test_good_files_among_bad_ones_are_taken(mock, visit):
    one = visit(mock.url)
    one.pick(HOME, ("letter.txt", "text/plain", b"Dear"), CANYON, ("scan.tif", "image/tiff", picture(form="TIFF")))
    one.heading("Contact sheet")
    expect(one.page.locator(".refused li")).to_have_count(1)
    one.restore()
    expect(one.page.locator(".frame[data-status=done]")).to_have_count(3, timeout=15_000)
