"""Every state of the photo page, looked at by axe-core at three widths in both themes; its pictures are kept for eyes."""
import pytest
from playwright.sync_api import expect

from accessible import HEIGHTS, look_at
from cuttable import Cuttable
from harness import ALL
from restore_page import BOATS, CANYON, DETROIT, HOME, MOTHER, PASTORAL

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
    one.page.get_by_text("More options").click()
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


def share(mock, visit):
    mock.refuses = (429, "too_many")
    mock.retry_after = 600
    return visit(mock.url, with_trouble=True).pick(CANYON).restore().heading("You have had your share for now")


def signing_out(mock, visit):
    one = door(mock, visit)
    one.page.get_by_label("Access token").fill("x")
    one.page.keyboard.press("Enter")
    one.heading("Lay your photographs here").pick(HOME)
    one.page.get_by_role("button", name="Sign out").click()
    expect(one.page.get_by_text("1 photo is not sent yet and would be forgotten. Sign out?")).to_be_visible()
    return one


def door(mock, visit):
    mock.token = "x"
    return visit(mock.url, with_trouble=True).heading("The door is closed")


STATES = [empty, refused, no_colouriser, added, queue, mixed, waiting, working, inside, net_lost, done, done_open, deleting, zoomed, failed, cancelled, full, share, signing_out, door]


@pytest.mark.parametrize("language", ["en", "zh"] if ALL else ["en"])
@pytest.mark.parametrize("state", STATES, ids=lambda s: s.__name__)
def test_every_state_is_accessible(mock, visit, state, language):
    page = state(mock, visit).page
    if language == "zh":
        page.get_by_role("button", name="中文").click()
        page.wait_for_timeout(300)
    look_at(page, state.__name__, language, widths=tuple(HEIGHTS) if language == "en" else (360,))
