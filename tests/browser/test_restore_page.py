"""The photo page in Chromium: upload to result, cancel, reload, a cut network, bad files, keyboard, touch, Chinese, accessibility.

Most tests play against a test double of the service (restore_mock.py), which can be held at any message. Those that take `service` run against
the double and, where it has the photo service, against the real server.
"""
import base64
import io
import os
import re

import httpx
import pytest
from PIL import Image
from playwright.sync_api import expect, sync_playwright

from cuttable import Cuttable
from harness import ALL, CACHE, Server, wait_for
from restore_mock import CSP, RestoreMock
from restore_page import BOATS, CANYON, DETROIT, HOME, MOTHER, PASTORAL, ROOT, Visit, picture

AXE = CACHE / "axe-0.1.8/axe_playwright_python/axe.min.js"
SCREENS = CACHE / "screens/restore"


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as p:
        chromium = p.chromium.launch(executable_path="/usr/bin/chromium", args=[
            "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"])
        yield chromium
        chromium.close()


@pytest.fixture
def mock():
    one = RestoreMock()
    yield one
    one.release()
    one.close()


class Double:
    """The test double as a `service`: work can be held in its middle."""

    width = 640

    def __init__(self):
        self.mock = RestoreMock()
        self.url = self.mock.url

    def hold(self):
        self.mock.hold_at = lambda name, stage, source, tile: source == "upscale" and tile >= 10

    def release(self):
        self.mock.release()

    def close(self):
        self.mock.release()
        self.mock.close()


class Real:
    """The real server as a `service`, or one that runs already ($DARKROOM_PHOTO_SERVICE, its address). Enlarging four times takes long
    enough to be in its middle for a while."""

    width = 1024  # of the photo that takes long

    def __init__(self, folder):
        self.url = os.environ.get("DARKROOM_PHOTO_SERVICE")
        self.server = None if self.url else Server(folder)
        if self.server:
            self.server.start()
            self.url = self.server.url
        else:
            wait_for(self._forget_all, 20, "the jobs of an earlier test are gone")

    def _forget_all(self):
        jobs = httpx.get(self.url + "/restore/jobs").json()["jobs"]
        for job in jobs:
            httpx.delete(f"{self.url}/restore/{job['job_id']}")
        return not jobs

    def hold(self):
        pass

    def release(self):
        pass

    def close(self):
        if self.server:
            self.server.stop()
            self.server.http.close()


@pytest.fixture(params=["double", "real"])
def service(request, tmp_path):
    one = Double() if request.param == "double" else Real(tmp_path / "base")
    try:
        if request.param == "real" and httpx.get(one.url + "/restore/info").status_code == 404:
            pytest.skip("this server has no photo service")
        yield one
    finally:
        one.close()


@pytest.fixture
def visit(browser):
    """Makes visits: `visit(url)`; the page must have been sound when the test ends."""
    made, contexts = [], []

    def make(url, with_trouble=False, context=None, **options):
        if context is None:
            context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, "color_scheme": "dark", "locale": "en-GB", "accept_downloads": True, **options})
            contexts.append(context)
        made.append(Visit(context, url, with_trouble))
        return made[-1].open()

    yield make
    for one in made:
        one.sound()
    for context in contexts:
        context.close()


def large(width):
    """A photo that the real server works on for a while."""
    out = io.BytesIO()
    image = Image.open(BOATS)
    image.resize((width, width * image.height // image.width)).save(out, "JPEG")
    return ("boats.jpg", "image/jpeg", out.getvalue())


# ---- one photo

def test_from_upload_to_result(service, visit):
    one = visit(service.url)
    page = one.page
    one.pick(large(320)).choose(upscale=2).restore()
    one.heading("Finished", timeout=60_000)
    expect(page.locator(".zoomed img").nth(1)).to_have_js_property("complete", True, timeout=20_000)
    expect(page.locator("dl.made")).to_contain_text("640 × 510 px")
    with page.expect_download() as started:
        page.get_by_role("link", name="Download PNG").click()
    assert started.value.suggested_filename == "boats restored.png"
    result = Image.open(started.value.path())
    assert (result.format, result.width) == ("PNG", 640)
    page.get_by_role("button", name="Other downloads").click()
    assert one.focused().startswith("PNG")
    for form in ("JPEG", "WebP"):
        with page.expect_download() as started:
            page.get_by_role("link", name=form).click()
        assert Image.open(started.value.path()).format == form.upper()
    page.keyboard.press("Escape")
    expect(page.locator("#formats")).to_be_hidden()
    assert one.focused() == "Other downloads"


def test_cancel_in_the_middle_and_run_again(service, visit):
    one = visit(service.url)
    service.hold()
    one.pick(large(service.width)).choose(upscale=4).restore()
    expect(one.page.locator(".stages [data-s=now]").filter(has_text="Upscale").last).to_be_visible(timeout=60_000)
    one.page.get_by_role("button", name="Cancel this photo").click()
    one.heading("Cancelled", timeout=5_000)
    service.release()
    one.page.get_by_role("button", name="Run again").click()
    expect(one.page.locator(".stages [data-s=now]").first).to_be_visible(timeout=30_000)


def test_a_reload_in_the_middle_loses_nothing(service, visit):
    one = visit(service.url)
    service.hold()
    one.pick(large(service.width)).choose(upscale=4).restore()
    upscaling = one.page.locator(".stages [data-s=now]").filter(has_text="Upscale").last
    expect(upscaling).to_be_visible(timeout=60_000)
    one.page.reload()
    expect(one.page.locator("h1")).to_have_text("boats.jpg")
    expect(upscaling).to_be_visible()
    expect(one.page.locator(".stages > li").first).to_have_attribute("data-s", "done")
    service.release()
    one.heading("Finished", timeout=120_000)


def test_a_cut_network_is_said_and_resumed(service, visit):
    way = Cuttable(service.url)
    one = visit(way.url, with_trouble=True)
    service.hold()
    one.pick(large(service.width)).choose(upscale=4).restore()
    expect(one.page.locator(".stages [data-s=now]").filter(has_text="Upscale").last).to_be_visible(timeout=60_000)
    bar = one.page.locator(".net")
    way.cut()
    one.page.wait_for_timeout(1_000)
    expect(bar).to_be_hidden()  # a gap of a second is nobody's business
    expect(bar).to_be_visible(timeout=4_000)
    expect(bar).to_contain_text("Your photos carry on.")
    service.release()
    one.page.wait_for_timeout(500)
    way.mend()
    expect(bar).to_be_hidden(timeout=15_000)
    one.heading("Finished", timeout=120_000)
    resumed = [int(re.search(r"from=(\d+)", url)[1]) for url in one.sockets if "/ws/progress" in url]
    assert resumed[0] == 0 and resumed[-1] > 0, "it asks for what came after the last message seen"
    way.close()


def test_a_long_loss_offers_to_retry_now(mock, visit):
    page = visit(mock.url).page
    page.evaluate("""async () => {
      const {Connection} = await import("/restore/assets/server/connection.js");
      const {netBar} = await import("/restore/assets/views/header.js");
      window.link = new Connection();
      netBar(link);
      link.addEventListener("retry", () => { window.retried = true; link.report("a", true); link.report("b", true); });
      link.report("a", false);
      const now = Date.now;
      Date.now = () => now() + 61000;
      link.report("b", false);
    }""")
    expect(page.locator(".net")).to_contain_text("Still trying")
    page.get_by_role("button", name="Retry now").click()
    expect(page.locator(".net")).to_be_hidden()
    assert page.evaluate("window.retried")


def test_a_cancel_said_while_the_network_is_cut_counts(mock, visit):
    way = Cuttable(mock.url)
    mock.hold_at = lambda name, stage, source, tile: stage == "inference"
    one = visit(way.url, with_trouble=True)
    one.pick(HOME).restore()
    expect(one.page.locator(".stages [data-s=now]").filter(has_text="Load model")).to_be_visible(timeout=20_000)
    way.cut()
    one.page.wait_for_timeout(300)
    one.page.get_by_role("button", name="Cancel this photo").click()
    one.heading("Cancelling")
    way.mend()
    one.heading("Cancelled", timeout=20_000)
    way.close()


def test_the_skip_link_stays_in_its_view(mock, visit):
    one = visit(mock.url)
    one.pick(HOME).heading("What to do")
    one.page.keyboard.press("Tab")
    while one.focused() != "Skip to the photographs":
        one.page.keyboard.press("Shift+Tab")
    one.page.keyboard.press("Enter")
    assert one.page.evaluate("document.activeElement.id") == "main"
    expect(one.page.locator("h1")).to_have_text(HOME.name)


def test_an_upload_that_is_cut_off_goes_on(mock, visit):
    way = Cuttable(mock.url)
    one = visit(way.url, with_trouble=True)
    mock.upload_delay = .2
    one.pick(BOATS).restore()
    one.heading("Uploading")
    way.cut()
    one.heading("Upload cut off")
    expect(one.page.locator(".facts")).to_contain_text("It goes on when you are back online.")
    mock.upload_delay = 0
    way.mend()
    one.heading("Finished", timeout=20_000)
    assert len([job for job in mock.jobs.values() if job.data]) == 1
    way.close()


def test_the_upload_shows_how_far_it_is_and_can_be_stopped(mock, visit):
    mock.upload_delay = .1
    one = visit(mock.url, with_trouble=True)
    noise = io.BytesIO()
    Image.effect_noise((2200, 1600), 80).save(noise, "PNG")
    one.pick(("noise.png", "image/png", noise.getvalue())).restore()
    one.heading("Uploading")
    expect(one.page.get_by_role("progressbar")).to_have_attribute("aria-label", "Upload")
    wait_for(lambda: 0 < int(one.page.get_by_role("progressbar").get_attribute("aria-valuenow")) < 100, 10, "the bar moves")
    mock.upload_delay = 5
    one.page.get_by_role("button", name="Cancel this photo").click()
    one.heading("Cancelled")
    wait_for(lambda: all(job.state == "cancelled" for job in mock.jobs.values()), 12, "the server has nothing of it")


def test_the_photo_waits_in_line(mock, visit):
    mock.limits["running"] = 1
    mock.hold_at = lambda name, stage, *_: name == "first.jpg" and stage == "inference"
    first, second = visit(mock.url), visit(mock.url)
    first.pick(("first.jpg", "image/jpeg", BOATS.read_bytes())).restore()
    expect(first.page.locator(".stages [data-s=now]").first).to_be_visible()
    wait_for(lambda: any(job.state == "running" for job in mock.jobs.values()), 5, "the first runs")
    second.pick(CANYON).restore()
    second.heading("1st in line")
    expect(second.page.locator(".load")).to_have_text("1 of 1 running")
    second.page.get_by_role("button", name="Cancel this photo").click()
    second.heading("Cancelled")


def test_too_little_memory_offers_the_next_smaller_size(mock, visit):
    mock.fail["old_detroit_1915.jpg"] = {"stage": "inference", "source": "upscale", "tile": 3, "error": "out of memory", "code": "out_of_memory",
                                         "more": {"needed": int(3.1 * 1024 ** 3), "limit": int(2.4 * 1024 ** 3)}}
    one = visit(mock.url)
    one.pick(DETROIT).choose(upscale=4).restore()
    one.heading("Not enough memory for 4×")
    expect(one.page.locator(".say").first).to_have_text("Enlarging it 4 times needs about 3.1 GB and this server allows 2.4 GB.")
    expect(one.page.locator(".stages [data-s=bad]").last).to_contain_text("stopped")
    expect(one.page.get_by_role("button", name="Retry without upscaling")).to_be_visible()
    mock.fail.clear()
    one.page.get_by_role("button", name="Retry with 2×").click()
    one.heading("Finished")
    expect(one.page.locator("dl.made")).to_contain_text("Colourise, upscale 2×")


@pytest.mark.parametrize("code, title", [
    ("model_missing", "The model is missing"), ("worker_lost", "The work was interrupted"), ("timeout", "It took too long"), ("something_new", "That did not work")])
def test_a_failure_is_said_in_words(mock, visit, code, title):
    mock.fail["old_detroit_1915.jpg"] = {"stage": "load_model", "error": "Words of the server", "code": code}
    one = visit(mock.url)
    one.pick(DETROIT).restore()
    one.heading(title)
    expect(one.page.get_by_role("button", name="Retry", exact=True)).to_be_visible()
    one.page.get_by_text("For the person who runs the server").click()
    expect(one.page.locator("pre")).to_contain_text(code)
    expect(one.page.locator("#say [role=alert]")).to_contain_text(title)


def test_delete_asks_once_and_deletes(mock, visit):
    one = visit(mock.url)
    one.pick(HOME).restore()
    one.heading("Finished")
    one.page.get_by_role("button", name="Delete now").click()
    assert one.focused() == "Keep"
    one.page.keyboard.press("Escape")
    assert one.focused() == "Delete now"
    one.page.get_by_role("button", name="Delete now").click()
    one.page.get_by_role("button", name="Delete", exact=True).click()
    one.heading("Lay your photographs here")
    assert not [job for job in mock.jobs.values() if job.data]
    one.page.reload()
    one.heading("Lay your photographs here")


def test_a_result_becomes_an_input(mock, visit):
    one = visit(mock.url)
    one.pick(HOME).restore()
    one.heading("Finished")
    one.page.get_by_role("button", name="Use as input").click()
    expect(one.page.locator("h1")).to_have_text("old_dust_bowl_home restored.png")
    one.choose(upscale=2, colour=False).restore()
    one.heading("Finished")
    expect(one.page.locator(".guess")).to_contain_text("details are a guess")


def test_an_example_needs_no_photo_of_ones_own(mock, visit):
    one = visit(mock.url)
    one.page.get_by_role("button", name="Try: Black Canyon, 1871").click()
    expect(one.page.locator("h1")).to_have_text("black_canyon.jpg")
    one.restore().heading("Finished")


# ---- several photos

def test_a_contact_sheet_of_several(mock, visit):
    mock.limits["running"] = 1
    mock.hold_at = lambda name, stage, source, tile: name == CANYON.name and stage == "inference"
    one = visit(mock.url)
    page = one.page
    one.pick(HOME, CANYON, BOATS).heading("Contact sheet")
    expect(page.locator(".frame")).to_have_count(4)  # and the one that takes more
    expect(one.frame(1).locator(".open")).to_have_attribute("aria-label", "Photo 1, old_dust_bowl_home.jpg: added, not started")
    one.restore()
    expect(one.frame(1)).to_have_attribute("data-status", "done")
    expect(one.frame(1).locator(".wax.ring")).to_be_visible()
    expect(one.frame(2)).to_have_attribute("data-status", "working")
    expect(one.frame(3).locator(".open")).to_have_attribute("aria-label", "Photo 3, old_nagasaki_boats.jpg: waiting, 1st in line")
    expect(page.locator(".sub").first).to_have_text("3 photos, 1 finished")
    page.get_by_role("button", name="Cancel photo 3").click()
    expect(one.frame(3)).to_have_attribute("data-status", "cancelled")
    with page.expect_download() as started:
        page.get_by_role("button", name="Download photo 1").click()
    assert started.value.suggested_filename == "old_dust_bowl_home restored.png"
    one.frame(1).locator(".open").click()
    one.heading("Finished")
    assert page.url.endswith(page.evaluate("location.hash")) and "#" in page.url
    expect(page.get_by_role("button", name="Previous photo")).to_be_disabled()
    page.get_by_role("button", name="Next photo").click()
    expect(page.locator("h1")).to_have_text("old_black_canyon.jpg")
    assert one.focused() == "Next photo"
    page.go_back()
    expect(page.locator("h1")).to_have_text("old_dust_bowl_home.jpg")
    page.get_by_role("button", name="Contact sheet").click()
    one.heading("Contact sheet")
    expect(one.frame(1).locator(".wax.ring")).to_be_hidden()  # it was seen
    assert one.focused().startswith("Photo 1, ")
    mock.release()
    expect(one.frame(2)).to_have_attribute("data-status", "done")
    page.get_by_role("button", name="Run photo 3 again").click()
    expect(one.frame(3)).to_have_attribute("data-status", "done")
    page.reload()
    expect(page.locator(".frame[data-status=done]")).to_have_count(3)
    expect(one.frame(1).locator(".wax.ring")).to_be_hidden()


# Are so many photos in the page's own storage?
KEPT = """async count => {
  if (!(await indexedDB.databases()).some(one => one.name === "darkroom")) return false;
  const database = await new Promise(done => { indexedDB.open("darkroom").onsuccess = event => done(event.target.result); });
  const counted = await new Promise(done => { database.transaction("photos").objectStore("photos").count().onsuccess = event => done(event.target.result); });
  database.close();
  return counted === count;
}"""


def test_what_was_not_sent_survives_a_reload(mock, visit):
    one = visit(mock.url)
    one.pick(HOME, CANYON).heading("Contact sheet")
    one.page.wait_for_function(KEPT, arg=2)  # the browser writes them when it has time
    one.page.reload()
    one.heading("Contact sheet")
    expect(one.page.locator(".frame[data-status=added]")).to_have_count(2)
    expect(one.frame(2).locator(".open")).to_have_attribute("aria-label", re.compile(CANYON.name))
    one.restore()
    expect(one.page.locator(".frame[data-status=done]")).to_have_count(2, timeout=15_000)


def test_a_second_tab_does_not_send_the_same_photos(mock, visit):
    first = visit(mock.url)
    first.pick(HOME, CANYON).heading("Contact sheet")
    second = visit(mock.url, context=first.page.context)
    second.heading("Lay your photographs here")
    first.restore()
    expect(first.page.locator(".frame[data-status=done]")).to_have_count(2, timeout=15_000)
    second.page.reload()
    expect(second.page.locator(".frame[data-status=done]")).to_have_count(2)
    assert mock.posts == 2


def test_a_result_whose_time_is_over_says_so(mock, visit):
    one = visit(mock.url, with_trouble=True)
    one.pick(HOME).restore().heading("Finished")
    mock.keep_ms = -1
    one.page.reload()
    one.heading("Deleted")
    expect(one.page.locator(".say")).to_have_text("This result was deleted after 24 hours.")
    one.page.get_by_role("button", name="Remove this photo").click()
    one.heading("Lay your photographs here")


def test_cancel_all_asks_once(mock, visit):
    mock.hold_at = lambda name, stage, *_: stage == "inference"
    one = visit(mock.url)
    one.pick(HOME, CANYON, BOATS).restore()
    expect(one.page.locator(".frame[data-status=working]")).to_have_count(3)
    one.page.get_by_role("button", name="Cancel all").click()
    expect(one.page.get_by_text("Cancel all 3 photos?")).to_be_visible()
    assert one.focused() == "Carry on"
    one.page.locator(".danger").click()
    expect(one.page.locator(".frame[data-status=cancelled]")).to_have_count(3)


def test_a_full_server_keeps_photos_in_the_page(mock, visit):
    mock.limits.update(running=1, waiting=1)
    mock.hold_at = lambda name, stage, *_: stage == "inference"
    one = visit(mock.url, with_trouble=True)
    one.pick(HOME, CANYON, BOATS).restore()
    expect(one.frame(3)).to_have_attribute("data-status", "held")
    one.frame(3).locator(".open").click()
    one.heading("The server is full")
    expect(one.page.locator(".say")).to_have_text("1 photo is running and all 1 waiting places are taken.")
    mock.release()
    one.heading("Finished", timeout=20_000)


def test_drop_and_paste_anywhere(mock, visit):
    one = visit(mock.url)
    give = """([kind, name]) => {
      const data = new DataTransfer();
      data.items.add(new File([Uint8Array.from(atob(%r), c => c.charCodeAt(0))], name, {type: "image/png"}));
      if (kind === "paste") return document.body.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true}));
      document.body.dispatchEvent(new DragEvent("dragenter", {dataTransfer: data, bubbles: true, cancelable: true}));
      const was = document.body.classList.contains("dragging");
      document.body.dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true}));
      return was && !document.body.classList.contains("dragging");
    }""" % base64.b64encode(picture()).decode()
    assert one.page.evaluate(give, ["drop", "dropped.png"]), "the blades close in while a file is over the page"
    expect(one.page.locator("h1")).to_have_text("dropped.png")
    one.page.evaluate(give, ["paste", "pasted.png"])
    one.heading("Contact sheet")


# ---- files that are none

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


# ---- before and after

def finished(mock, visit, **options):
    one = visit(mock.url, **options)
    one.pick(HOME).choose(upscale=2).restore().heading("Finished")
    expect(one.page.locator("output")).to_have_text("Fit")
    expect(one.page.locator("dl.made")).to_contain_text("2048 × 1576 px")
    return one


def test_the_slider_by_keyboard(mock, visit):
    one = finished(mock, visit)
    slider = one.page.get_by_role("slider", name="Compare original and restored")
    slider.focus()
    now = lambda: int(slider.get_attribute("aria-valuenow"))
    for key, value in (("ArrowLeft", 44), ("ArrowRight", 46), ("Shift+ArrowRight", 56), ("PageDown", 46), ("PageUp", 56), ("Home", 0), ("End", 100), ("ArrowDown", 98), ("ArrowUp", 100)):
        one.page.keyboard.press(key)
        assert now() == value, key
    expect(slider).to_have_attribute("aria-valuetext", "100 % original, 0 % restored")
    place = lambda: one.page.locator(".compare").evaluate("e => [getComputedStyle(e).getPropertyValue('--px'), getComputedStyle(e).getPropertyValue('--py')].map(parseFloat)")
    one.page.keyboard.press("+")
    expect(one.page.locator("output")).not_to_have_text("Fit")
    before = place()
    one.page.keyboard.press("Alt+ArrowRight")
    one.page.keyboard.press("Alt+ArrowDown")
    assert place()[0] < before[0] and place()[1] < before[1]
    one.page.keyboard.press("0")
    expect(one.page.locator("output")).to_have_text("Fit")


def test_zoom_by_buttons_wheel_and_drag(mock, visit):
    one = finished(mock, visit)
    page, frame = one.page, one.page.locator(".compare")
    shown = lambda: page.locator("output").text_content()
    percents = []
    for _ in range(12):
        if page.get_by_role("button", name="Zoom in").is_disabled():
            break
        page.get_by_role("button", name="Zoom in").click()
        percents.append(int(shown().split()[0]))
    assert 100 in percents and percents[-1] == 800 and percents == sorted(percents)
    at = percents.index(100)
    # 100 %: a pixel of the result is a pixel of the screen
    for _ in range(len(percents) - 1 - at):
        page.get_by_role("button", name="Zoom out").click()
    assert shown() == "100 %"
    assert abs(frame.evaluate("e => e.clientWidth * getComputedStyle(e).getPropertyValue('--z')") - 2048) < 1
    box = frame.bounding_box()
    x = lambda: float(frame.evaluate("e => parseFloat(getComputedStyle(e).getPropertyValue('--px'))"))
    before = x()
    page.mouse.move(box["x"] + 80, box["y"] + 80)
    page.mouse.down()
    page.mouse.move(box["x"] + 30, box["y"] + 80, steps=4)
    page.mouse.up()
    assert abs(x() - before + 50) < 2, "the picture follows the pointer"
    page.get_by_role("button", name="Fit to page").click()
    assert shown() == "Fit" and one.focused() == "Zoom in"
    page.mouse.move(box["x"] + 300, box["y"] + 200)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -100)
    page.keyboard.up("Control")
    assert shown() != "Fit"
    page.get_by_role("button", name="Fit to page").click()
    page.mouse.move(box["x"] + box["width"] * .2, box["y"] + 50)
    page.mouse.down()
    page.mouse.up()
    assert abs(int(page.get_by_role("slider").first.get_attribute("aria-valuenow")) - 20) <= 1


def test_two_fingers_enlarge(mock, visit):
    one = finished(mock, visit, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    page = one.page
    page.locator(".compare").scroll_into_view_if_needed()
    box = page.locator(".compare").bounding_box()
    cdp = page.context.new_cdp_session(page)
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    def touch(kind, apart):
        points = [] if kind == "touchEnd" else [{"x": middle[0] - apart, "y": middle[1], "id": 1}, {"x": middle[0] + apart, "y": middle[1], "id": 2}]
        cdp.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 20)
    for apart in (30, 40, 50, 60):
        touch("touchMove", apart)
    touch("touchEnd", 0)
    zoom = page.locator(".compare").evaluate("e => Number(getComputedStyle(e).getPropertyValue('--z'))")
    assert 2.4 < zoom < 3.2
    assert page.evaluate("visualViewport.scale") == 1, "the picture is enlarged, not the page"


# ---- the server can do less, or asks for a token

def test_without_a_colouriser_the_page_says_so(mock, visit):
    mock.colorizers = []
    one = visit(mock.url)
    expect(one.page.locator(".options")).to_contain_text("No colouriser is installed on this server. The other steps work.")
    expect(one.page.get_by_role("switch", name="Colourise")).to_be_disabled()
    one.page.get_by_text("How to get colours").click()
    expect(one.page.locator("code")).to_have_text("darkroom models pull ddcolor")
    one.pick(HOME).restore().heading("Finished")
    expect(one.page.locator("dl.made")).to_contain_text("Upscale 2×")
    assert next(iter(mock.jobs.values())).options["colorize"] is False


def test_no_step_no_start(mock, visit):
    one = visit(mock.url)
    one.pick(HOME).choose(colour=False)
    expect(one.page.get_by_role("button", name="Restore 1 photo")).to_be_disabled()
    expect(one.page.locator(".why")).to_have_text("Switch on at least one step.")
    one.page.get_by_role("switch", name="Denoise").check()
    one.page.get_by_role("slider", name="Denoise: Strength").fill("70")
    one.restore().heading("Finished")
    assert next(iter(mock.jobs.values())).options["denoise"] == .7
    one.page.goto(mock.url + "/restore")
    one.page.get_by_label("Add photos").set_input_files(str(CANYON))
    one.heading("Contact sheet")
    expect(one.page.get_by_role("switch", name="Denoise")).to_be_checked()  # remembered


def test_the_door(mock, visit):
    mock.token = "open-sesame"
    one = visit(mock.url, with_trouble=True)
    one.heading("The door is closed")
    assert one.page.evaluate("document.activeElement.id") == "token"
    one.page.get_by_role("button", name="Open the door").click()
    expect(one.page.locator(".wrong")).to_have_text("Type or paste the token first.")
    one.page.get_by_label("Access token").fill("wrong")
    one.page.get_by_role("button", name="Show").click()
    expect(one.page.get_by_label("Access token")).to_have_attribute("type", "text")
    one.page.get_by_role("button", name="Open the door").click()
    expect(one.page.locator(".wrong")).to_have_text("That token is not known here.")
    one.page.get_by_label("Access token").fill("open-sesame")
    one.page.keyboard.press("Enter")
    one.heading("Lay your photographs here")
    one.pick(HOME).restore().heading("Finished")
    mock.token = "changed"
    one.page.reload()
    one.heading("The door is closed")
    one.page.get_by_label("Access token").fill("changed")
    one.page.keyboard.press("Enter")
    one.heading("Finished")
    one.page.get_by_role("button", name="Sign out").click()
    one.heading("The door is closed")


# ---- language, motion, speech

def test_chinese(service, visit):
    one = visit(service.url)
    one.page.get_by_role("button", name="中文").click()
    one.heading("把照片放在这里")
    assert one.page.evaluate("document.documentElement.lang") == "zh-Hans"
    one.pick(large(160)).choose(upscale=2).restore().heading("完成", timeout=60_000)
    expect(one.page.get_by_role("link", name="下载 PNG")).to_be_visible()
    left = one.page.evaluate("() => document.body.innerText.match(/[A-Za-z]{3,}/g)") or []
    assert set(left) <= {"Darkroom", "English", "boats", "jpg", "DDColor", "PNG", "realesr", "animevideov"}, left
    one.page.reload()
    one.heading("完成")
    one.page.get_by_role("button", name="English").click()
    one.heading("Finished")


def test_the_language_of_the_browser_is_taken(mock, visit):
    visit(mock.url, locale="zh-CN").heading("把照片放在这里")


def test_every_word_is_there_in_chinese():
    text = r'"((?:[^"\\]|\\.)*)"'
    known = set(re.findall(r"^  " + text + ":", (ROOT / "web/assets/lib/zh.js").read_text(), re.M))
    used = set()
    for file in (ROOT / "web/assets").rglob("*.js"):
        code = file.read_text()
        used |= set(re.findall(r"\bt\(" + text, code)) | {more for _, more in re.findall(r"\bmany\([^\"]*?" + text + r",\s*" + text, code)}
    assert used and not used - known, used - known


def test_a_screen_reader_hears_quarters_and_ends(mock, visit):
    one = visit(mock.url)
    one.page.evaluate("""() => { window.heard = []; new MutationObserver(all => all.forEach(m => m.addedNodes.forEach(n => heard.push(n.textContent))))
        .observe(document.getElementById("say"), {childList: true}); }""")
    one.pick(HOME).choose(upscale=2).restore().heading("Finished")
    heard = one.page.evaluate("heard")
    assert heard[-1] == "Photo 1 finished" and "Developing: Upscale 2×" in heard
    assert 3 <= len(heard) <= 12, heard


def test_the_page_keeps_still_when_asked(mock, visit):
    mock.hold_at = lambda name, stage, source, tile: source == "upscale" and tile >= 10
    one = visit(mock.url, reduced_motion="reduce")
    one.pick(HOME).choose(upscale=2).restore()
    expect(one.page.locator(".stages [data-s=now]").filter(has_text="Upscale").last).to_be_visible()
    assert one.page.evaluate("document.getAnimations().length") == 0


def test_headers_of_the_page(service):
    page = httpx.get(service.url + "/restore")
    assert page.headers["content-security-policy"] == CSP and page.headers["cache-control"] == "no-cache"
    assert "<script>" not in page.text and " style=" not in page.text and " onclick" not in page.text


# ---- every state, looked at

MIXED = [HOME, BOATS, CANYON, MOTHER, DETROIT, PASTORAL]


def empty(mock, visit):
    return visit(mock.url)


def refused(mock, visit):
    return visit(mock.url).pick(("letter.txt", "text/plain", b"Dear"))


def no_colouriser(mock, visit):
    mock.colorizers = []
    return visit(mock.url)


def added(mock, visit):
    one = visit(mock.url).pick(BOATS)
    one.page.get_by_role("switch", name="Denoise").check()
    return one


def queue(mock, visit):
    mock.limits["running"] = 1
    mock.upload_delay = .4
    mock.hold_at = lambda name, stage, *_: stage == "preprocess"
    one = visit(mock.url).pick(CANYON, HOME, MOTHER, BOATS).restore()
    expect(one.frame(2).locator("b")).to_have_text("Waiting", timeout=20_000)
    mock.upload_delay = 3
    one.pick(PASTORAL)
    expect(one.page.get_by_role("button", name="Restore 1 photo")).to_be_visible()
    return one


def mixed(mock, visit):
    mock.limits["running"] = 2
    mock.hold_at = lambda name, stage, source, tile: name in (BOATS.name, PASTORAL.name) and source == "upscale" and tile >= 14
    mock.fail[DETROIT.name] = {"stage": "inference", "source": "upscale", "tile": 3, "error": "out of memory", "code": "out_of_memory"}
    one = visit(mock.url).pick(HOME, BOATS, DETROIT, PASTORAL, CANYON, MOTHER)
    one.choose(upscale=4).restore()
    expect(one.frame(1)).to_have_attribute("data-status", "done", timeout=20_000)
    expect(one.frame(3)).to_have_attribute("data-status", "error", timeout=20_000)
    expect(one.frame(6)).to_have_attribute("data-status", "waiting", timeout=20_000)
    one.page.get_by_role("button", name="Cancel photo 6").click()
    expect(one.frame(6)).to_have_attribute("data-status", "cancelled")
    return one


def waiting(mock, visit):
    mock.limits["running"] = 1
    mock.hold_at = lambda *_: True
    one = visit(mock.url).pick(HOME, BOATS, CANYON, MOTHER).restore()
    expect(one.frame(4)).to_contain_text("3rd in line", timeout=20_000)  # the last thing that changes in the list
    one.frame(4).locator(".open").click()
    return one.heading("3rd in line")


def working(mock, visit):
    mock.hold_at = lambda name, stage, source, tile: source == "upscale" and tile >= 14
    one = visit(mock.url).pick(BOATS).choose(upscale=2).restore()
    expect(one.page.locator("#st-h")).to_contain_text("left")
    expect(one.page.locator(".facts")).to_contain_text("Tile 13 of 24", timeout=20_000)
    one.page.wait_for_timeout(1500)
    return one


def inside(mock, visit):
    one = working(mock, visit)
    one.page.get_by_text("A look inside").click()
    expect(one.page.locator(".heat .map")).to_be_visible()
    return one


def net_lost(mock, visit):
    way = Cuttable(mock.url)
    mock.hold_at = lambda name, stage, source, tile: source == "upscale" and tile >= 14
    one = visit(way.url, with_trouble=True).pick(BOATS).choose(upscale=2).restore()
    expect(one.page.locator(".facts")).to_contain_text("Tile 13 of 24", timeout=20_000)
    one.page.wait_for_timeout(1200)
    way.cut()
    expect(one.page.locator(".net")).to_be_visible(timeout=5_000)
    return one


def done(mock, visit):
    mock.tick = .01
    one = visit(mock.url).pick(HOME).choose(upscale=2).restore().heading("Finished")
    expect(one.page.locator(".zoomed img").nth(1)).to_have_js_property("complete", True, timeout=20_000)
    return one


def done_open(mock, visit):
    one = done(mock, visit)
    one.page.get_by_role("button", name="Other downloads").click()
    return one


def deleting(mock, visit):
    one = done(mock, visit)
    one.page.get_by_role("button", name="Delete now").click()
    return one


def zoomed(mock, visit):
    one = done(mock, visit)
    for _ in range(2):
        one.page.get_by_role("button", name="Zoom in").click()
    return one


def failed(mock, visit):
    mock.fail[DETROIT.name] = {"stage": "inference", "source": "upscale", "tile": 3, "error": "out of memory", "code": "out_of_memory",
                               "more": {"needed": int(3.1 * 1024 ** 3), "limit": int(2.4 * 1024 ** 3)}}
    return visit(mock.url).pick(DETROIT).choose(upscale=4).restore().heading("Not enough memory")


def cancelled(mock, visit):
    mock.hold_at = lambda name, stage, *_: stage == "inference"
    one = visit(mock.url).pick(PASTORAL).restore()
    one.page.wait_for_timeout(600)
    one.page.get_by_role("button", name="Cancel this photo").click()
    return one.heading("Cancelled")


def full(mock, visit):
    mock.limits.update(running=1, waiting=0)
    mock.retry_after = 600
    return visit(mock.url, with_trouble=True).pick(CANYON).restore().heading("The server is full")


def door(mock, visit):
    mock.token = "x"
    return visit(mock.url, with_trouble=True).heading("The door is closed")


STATES = [empty, refused, no_colouriser, added, queue, mixed, waiting, working, inside, net_lost, done, done_open, deleting, zoomed, failed, cancelled, full, door]


@pytest.mark.parametrize("language", ["en", "zh"] if ALL else ["en"])
@pytest.mark.parametrize("state", STATES, ids=lambda s: s.__name__)
def test_every_state_is_accessible(mock, visit, state, language):
    one = state(mock, visit)
    page = one.page
    if language == "zh":
        page.get_by_role("button", name="中文").click()
        page.wait_for_timeout(300)
    page.evaluate(AXE.read_text())
    for width in (360, 768, 1440) if language == "en" else (360,):
        page.set_viewport_size({"width": width, "height": {360: 740, 768: 1024, 1440: 900}[width]})
        for theme in ("dark", "light"):
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # else the room takes .6 s to change its light
            page.wait_for_timeout(100)
            SCREENS.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=str(SCREENS / f"{state.__name__}-{width}-{theme}-{language}.png"), full_page=True)
            found = page.evaluate("() => axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})")
            faults = [f"{v['id']}: {n['target']} {n['failureSummary']}" for v in found["violations"] for n in v["nodes"]]
            assert not faults, f"{width} {theme}\n" + "\n".join(faults)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{width}: wider than the window"
        small = page.evaluate("""() => [...document.querySelectorAll("button, a[href], summary, [role=slider], select, input")].filter(e => e.checkVisibility({visibilityProperty: true}))
            .map(e => e.closest("label") ?? e).filter(e => !e.closest(".skip")).map(e => [e.outerHTML.slice(0, 90), e.getBoundingClientRect()])
            .filter(([, box]) => box.width && (box.width < 43.5 || box.height < 43.5)).map(([what, box]) => `${what} ${box.width}x${box.height}`)""")
        assert not small, "\n".join(small)
