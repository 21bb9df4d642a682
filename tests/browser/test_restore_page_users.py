"""The photo page and its users, against a real server: the door, a login that ends, shares, and that nobody sees another's photos."""
import io
import os
import re
import time

import httpx
import pytest
from PIL import Image
from playwright.sync_api import expect

from harness import Server, empty_image
from identities import bearer, token, with_auth
from proxy import Proxy
from restore_page import CANYON, HOME, large, picture

SMALL = ("small.png", "image/png", picture())


@pytest.fixture(scope="module")
def closed(tmp_path_factory):
    """A server that wants tokens, and takes little of each user."""
    flags = ["--user-uploads", "4", "--user-megapixels", "3", "--user-waiting", "1"]
    with with_auth(tmp_path_factory.mktemp("closed") / "base", *flags) as server:
        yield server


@pytest.fixture
def door(closed, visit):
    """`door(text)`: a visit that has come in with this token."""
    def enter(text, **options):
        one = visit(closed.url, with_trouble=True, **options).heading("The door is closed")
        return come_in(one, text)
    return enter


def come_in(one, text):
    one.page.get_by_label("Access token").fill(text)
    one.page.keyboard.press("Enter")
    expect(one.page.get_by_role("button", name="Sign out")).to_be_visible()
    return one


def quick(one):
    """Only what is done in a moment."""
    one.choose(upscale=1, colour=False if one.page.get_by_role("switch", name="Colourise").is_enabled() else None)
    one.page.get_by_role("switch", name="Sharpen").check()
    return one


def api_token(server, user):
    made = server.as_somebody(bearer(user)).post("/auth/tokens", {"label": "page"}).json()
    return made["token"], lambda: server.http.delete(f"/auth/tokens/{made['id']}").raise_for_status()


def addresses(one):
    """Of what the page shows of its only photo: the job, the original, the result."""
    job = one.page.evaluate("fetch('restore/jobs').then(reply => reply.json())")["jobs"][0]
    return [f"/restore/{job['job_id']}", job["original_url"].split("?")[0], job["result_url"].split("?")[0]]


def statuses(one, paths):
    return one.page.evaluate("paths => Promise.all(paths.map(path => fetch(path.slice(1)).then(reply => reply.status)))", paths)


def test_in_through_the_door_and_out_again(door, closed):
    one = door(token("inge"))
    quick(one.pick(SMALL)).restore().heading("Finished")
    expect(one.page.locator(".zoomed img").nth(1)).to_have_js_property("complete", True)
    one.page.get_by_role("button", name="Sign out").click()
    one.heading("The door is closed")
    expect(one.page.get_by_role("button", name="Sign out")).to_be_hidden()
    assert statuses(one, ["/auth/me", "/restore/jobs"]) == [401, 401]


def test_two_users_do_not_see_each_other(door):
    anna, bob = door(token("anna-page")), door(token("bob-page"))
    for one, name in ((anna, "hers.png"), (bob, "his.png")):
        quick(one.pick((name, "image/png", picture()))).restore().heading("Finished")
    for one, name, other in ((anna, "hers.png", bob), (bob, "his.png", anna)):
        one.page.reload()
        one.heading("Finished")
        expect(one.page.locator("h1")).to_have_text(name)
        assert statuses(one, addresses(one)) == [200, 200, 200] and statuses(one, addresses(other)) == [404, 404, 404]


def test_another_user_of_the_same_browser_sees_nothing_of_the_first(door, closed):
    one = door(token("first"))
    one.pick(HOME, CANYON).heading("Contact sheet")
    expect(one.page.locator(".frame[data-status=added]")).to_have_count(2)
    one.page.wait_for_timeout(1000)  # what was picked is kept in the browser a moment later
    one.page.context.clear_cookies()
    one.page.reload()
    one.heading("The door is closed")
    come_in(one, token("second")).heading("Lay your photographs here")
    one.page.get_by_role("button", name="Sign out").click()
    come_in(one.heading("The door is closed"), token("first")).heading("Contact sheet")
    expect(one.page.locator(".frame[data-status=added]")).to_have_count(2)
    # In the middle of the page, too.
    one.page.context.clear_cookies()
    one.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    come_in(one.heading("The door is closed"), token("second")).heading("Lay your photographs here")
    one.page.context.clear_cookies()
    one.page.reload()
    come_in(one.heading("The door is closed"), token("first")).heading("Contact sheet")
    one.page.get_by_role("button", name="Sign out").click()
    expect(one.page.get_by_text("2 photos are not sent yet and would be forgotten. Sign out?")).to_be_visible()
    assert one.focused() == "Stay"
    one.page.keyboard.press("Escape")
    assert one.focused() == "Sign out"
    one.page.get_by_role("button", name="Sign out").click()
    one.page.get_by_role("button", name="中文").click()
    expect(one.page.locator("#ask")).to_be_empty()  # it is put once more, in the other language
    one.page.get_by_role("button", name="退出登录").click()
    expect(one.page.locator("#ask")).to_contain_text("2 张照片尚未发送")
    one.page.locator(".danger").click()
    one.heading("门关着")
    one.page.get_by_role("button", name="English").click()
    come_in(one.heading("The door is closed"), token("first")).heading("Lay your photographs here")  # whoever signs out leaves nothing behind


def test_a_token_whose_time_is_over(door, closed, visit):
    one = visit(closed.url, with_trouble=True).heading("The door is closed")
    one.page.get_by_label("Access token").fill(token("late", exp=int(time.time()) - 60))
    one.page.keyboard.press("Enter")
    expect(one.page.get_by_role("alert").filter(has_text="That token is not known here, or its time is over.")).to_be_visible()
    one.page.get_by_role("button", name="中文").click()
    one.page.get_by_label("访问令牌").fill("x")
    one.page.keyboard.press("Enter")
    expect(one.page.get_by_role("alert").filter(has_text="令牌无效或已过期。")).to_be_visible()


def test_a_token_revoked_in_the_middle_loses_no_photo(door, closed):
    text, revoke = api_token(closed, "rita")
    one = door(text)
    one.pick(large(1024)).choose(upscale=4).restore()
    expect(one.page.locator(".stages [data-s=now]").filter(has_text="Upscale").last).to_be_visible(timeout=30_000)
    one.page.get_by_label("Add photos").set_input_files(str(HOME))
    quick(one)
    revoke()
    # The next thing that is said to the server closes the door: this, or the watcher that comes again before it.
    one.page.evaluate("[...document.querySelectorAll('button')].find(button => /^Restore 1 photo/.test(button.textContent))?.click()")
    one.heading("The door is closed")
    expect(one.page.locator(".net")).to_be_hidden()
    one.page.wait_for_timeout(2_500)
    expect(one.page.locator(".net")).to_be_hidden()  # it is there: nothing reconnects
    come_in(one, token("rita")).heading("Contact sheet")
    expect(one.frame(1)).to_have_attribute("data-status", "working")
    if one.frame(2).get_attribute("data-status") == "added":  # the watcher was first
        one.restore()
    expect(one.frame(2)).to_have_attribute("data-status", re.compile("waiting|working|done"), timeout=15_000)
    one.page.get_by_role("button", name="Cancel photo 1").click()
    expect(one.frame(2)).to_have_attribute("data-status", "done", timeout=30_000)


# ---- shares

def test_a_share_that_is_used_up_is_said_in_words(door):
    one = door(token("sara"))
    noise = io.BytesIO()  # refused before the server has read it, and far more than a socket holds
    Image.frombytes("RGB", (1500, 1400), os.urandom(1500 * 1400 * 3)).save(noise, "PNG", compress_level=0)
    photos = [(f"{n}.png", "image/png", picture()) for n in range(4)] + [("noise.png", "image/png", noise.getvalue()), SMALL]
    quick(one.pick(*photos)).restore()
    expect(one.page.locator(".frame[data-status=done]")).to_have_count(4, timeout=30_000)
    expect(one.page.locator(".frame[data-status=held]")).to_have_count(2)
    expect(one.frame(5)).to_contain_text("Share used up")
    one.frame(5).locator(".open").click()
    one.heading("You have had your share for now")
    expect(one.page.locator(".facts")).to_have_text("It goes on in less than a minute.")
    one.page.get_by_role("button", name="中文").click()
    one.heading("你的额度暂时用完")
    expect(one.page.locator(".facts")).to_have_text("一分钟内继续。")


def test_pixels_of_an_hour(door):
    one = door(token("paul"))
    quick(one.pick(("a.png", "image/png", picture(2000, 1000)))).restore().heading("Finished")
    one.page.get_by_label("Add photos").set_input_files([
        {"name": "b.png", "mimeType": "image/png", "buffer": picture(2000, 1000)}, {"name": "huge.png", "mimeType": "image/png", "buffer": picture(2100, 1600)}])
    expect(one.page.locator(".refused")).to_contain_text("This photo has 3.4 megapixels. The limit is 3.")
    one.restore()
    expect(one.frame(2)).to_have_attribute("data-status", "held")
    expect(one.frame(2)).to_contain_text(re.compile(r"goes on at \d\d:\d\d"))


def test_it_goes_on_by_itself(door, closed):
    """Her one place in the line is taken by a job of hers, until that is done."""
    wanda = closed.as_somebody(bearer("wanda"))
    one = door(token("wanda"))
    one.pick(large(800)).choose(upscale=4).restore()
    expect(one.page.locator(".stages [data-s=now]").filter(has_text="Upscale").last).to_be_visible(timeout=30_000)
    wanda.queue(empty_image("waits"))
    one.page.get_by_label("Add photos").set_input_files(str(HOME))
    quick(one).restore()
    expect(one.frame(2)).to_have_attribute("data-status", "held")
    expect(one.frame(2)).to_contain_text("Share used up")
    one.page.get_by_role("button", name="Cancel photo 1").click()
    expect(one.frame(2)).to_have_attribute("data-status", "done", timeout=30_000)


def test_what_is_held_goes_on_although_the_first_of_it_was_given_up(mock, visit):
    mock.refuses = (503, "unavailable")
    one = visit(mock.url, with_trouble=True)
    one.pick(HOME, CANYON).restore()
    expect(one.frame(2)).to_contain_text("Server not ready")
    one.page.get_by_role("button", name="Cancel photo 1").click()
    mock.refuses = None
    expect(one.frame(2)).to_have_attribute("data-status", "done", timeout=10_000)


# ---- without logins

@pytest.fixture
def proxied(tmp_path):
    """A server without --auth behind a proxy: whoever comes is a visitor."""
    with Server(tmp_path / "base") as server:
        proxy = Proxy(server.url, "/photos", {"X-Forwarded-For": "203.0.113.7"})
        yield server, proxy
        proxy.close()


def test_two_visitors_do_not_see_each_other(proxied, visit):
    server, proxy = proxied
    one, other = visit(proxy.url, with_trouble=True), visit(proxy.url, with_trouble=True)
    for visitor, name in ((one, "one.png"), (other, "other.png")):
        quick(visitor.pick((name, "image/png", picture()))).restore().heading("Finished")
        expect(visitor.page.get_by_role("button", name="Sign out")).to_be_hidden()
    for visitor, name, stranger in ((one, "one.png", other), (other, "other.png", one)):
        visitor.page.reload()
        visitor.heading("Finished")
        expect(visitor.page.locator("h1")).to_have_text(name)
        assert statuses(visitor, addresses(visitor)) == [200, 200, 200] and statuses(visitor, addresses(stranger)) == [404, 404, 404]
    assert httpx.get(server.url + "/restore/jobs").json()["jobs"] == [], "who sits at the server is somebody else"
