"""The photo page in Chromium: upload to result, cancel, reload, a cut network, the door, Chinese.

Most tests play against a test double of the service (restore_mock.py), which can be held at any message. Those that take `service` run against
the double and against the real server.
"""
import io
import re
import shutil

import httpx
import pytest
from PIL import Image
from playwright.sync_api import expect

from cuttable import Cuttable
from harness import RESTORE_MODELS, wait_for
from photo_services import Real
from restore_mock import CSP
from restore_page import BOATS, CANYON, DETROIT, HOME, ROOT, large


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
            page.get_by_role("link", name=f"{form}, full size").click()
        assert Image.open(started.value.path()).format == form.upper()
    for form, ending in (("PNG", "png"), ("JPEG", "jpg"), ("WebP", "webp")):
        with page.expect_download() as started:
            page.get_by_role("link", name=f"Before and after, side by side: {form}").click()
        assert started.value.suggested_filename == f"boats before and after.{ending}"
        both = Image.open(started.value.path())
        assert both.format == form.upper() and both.height == result.height and both.width >= 1280
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


# ---- a look inside

def test_a_look_inside_shows_memory_and_attention(mock, visit):
    mock.hold_at = lambda name, stage, source, tile: source == "upscale" and tile >= 5
    one = visit(mock.url).pick(BOATS).choose(upscale=2).restore()
    expect(one.page.locator(".facts")).to_contain_text("Tile 4 of 24", timeout=20_000)
    expect(one.page.get_by_alt_text("Attention map of the colour model over the photo")).to_be_hidden()
    one.page.get_by_text("A look inside").click()
    expect(one.page.get_by_alt_text("Attention map of the colour model over the photo")).to_have_js_property("naturalWidth", 400)
    expect(one.page.get_by_role("img", name=re.compile(r"^Memory over time: [\d.]+ GB now"))).to_be_visible()
    expect(one.page.get_by_role("img", name=re.compile(r"^Memory of the GPU over time: [\d.]+ GB now"))).to_be_visible()
    expect(one.page.locator(".inside")).to_contain_text("limit 16 GB")


def test_without_a_gpu_its_memory_is_not_spoken_of(mock, visit):
    mock.has_gpu = False
    mock.colorizers = []
    mock.hold_at = lambda name, stage, source, tile: source == "upscale" and tile >= 5
    one = visit(mock.url).pick(BOATS).choose(upscale=2).restore()
    one.page.get_by_text("A look inside").click()
    expect(one.page.locator(".gauge").filter(visible=True)).to_have_count(1)


def test_where_the_real_colouriser_looks(tmp_path, visit):
    models = tmp_path / "base/models/ddcolor"
    models.mkdir(parents=True)
    shutil.copy(RESTORE_MODELS / "ddcolor_micro.safetensors", models)
    real = Real(tmp_path / "base")
    try:
        one = visit(real.url).pick(large(900)).choose(upscale=4, colour=True).restore()
        one.page.get_by_text("A look inside").click(timeout=20_000)
        shown = one.page.get_by_alt_text("Attention map of the colour model over the photo")
        expect(shown).to_be_visible(timeout=60_000)
        expect(shown).to_have_js_property("naturalWidth", 256, timeout=20_000)
        one.page.get_by_role("button", name="Cancel this photo").click()
        one.heading("Cancelled")
    finally:
        real.close()


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


def test_the_place_stays_only_for_who_wants_it(mock, visit):
    one = visit(mock.url)
    one.page.get_by_text("More options").click()
    place = one.page.get_by_role("switch", name="Keep where it was taken")
    expect(place).not_to_be_checked()
    expect(place).to_have_accessible_description(re.compile("The result does not, unless you switch this on"))
    one.pick(HOME).restore().heading("Finished")
    one.pick(CANYON)
    place.check()
    one.restore()
    wait_for(lambda: len(mock.jobs) == 2, 10, "both are sent")
    assert [job.options["keep_gps"] for job in mock.jobs.values()] == [False, True]
    one.page.reload()
    expect(one.page.get_by_role("switch", name="Keep where it was taken")).to_be_checked()


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
    expect(one.page.locator(".wrong")).to_have_text("That token is not known here, or its time is over.")
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
