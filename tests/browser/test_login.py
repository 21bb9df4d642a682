"""/login in Chromium: whoever wants a page and is not known is asked for a token, and then gets to where they wanted."""
import re
import urllib.parse

import pytest
from playwright.sync_api import expect

from accessible import look_at
from identities import token, with_auth
from proxy import Proxy


@pytest.fixture(scope="module")
def closed(tmp_path_factory):
    with with_auth(tmp_path_factory.mktemp("login") / "base") as server:
        yield server


@pytest.fixture
def page(browser):
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="dark", locale="en-GB")
    one = context.new_page()
    one.complaints = []
    one.on("pageerror", lambda e: one.complaints.append(f"exception: {e}"))
    one.on("console", lambda m: one.complaints.append(f"{m.text} [{m.location.get('url', '')}]") if m.type in ("error", "warning") and "401" not in m.text else None)
    yield one
    assert not one.complaints, "\n".join(one.complaints)
    context.close()


def arrive(page):
    """Every page but the login is a plain one: what is tested here ends when it is asked for.

    It names an icon, else Chromium may ask for /favicon.ico, which isn't there beside a proxy's path.
    """
    there = '<link rel="icon" href="data:,"><h1>There</h1>'
    is_page = lambda request: request.resource_type == "document" and "/login" not in urllib.parse.urlsplit(request.url).path
    page.route("**/*", lambda route: route.fulfill(body=there, content_type="text/html") if is_page(route.request) else route.continue_())


def sign_in(page, text):
    page.get_by_label(re.compile("Access token|访问令牌")).fill(text)
    page.keyboard.press("Enter")


@pytest.mark.parametrize("wanted", ["/", "/?a=1&b=%2Fc#d", "/api/"])
def test_from_a_page_to_the_login_and_back(closed, page, wanted):
    page.goto(closed.url + wanted)
    expect(page).to_have_url(re.compile(rf"^{closed.url}/login\?next="))
    assert page.evaluate("document.activeElement.id") == "token"
    sign_in(page, "wrong")
    expect(page.get_by_role("alert")).to_have_text("That token is not known here, or its time is over.")
    assert page.evaluate("document.activeElement.id") == "token", "ready for another try"
    sign_in(page, token("anna", exp=1))
    expect(page.get_by_label("Access token")).to_have_attribute("aria-invalid", "true")
    arrive(page)
    sign_in(page, token("anna"))
    expect(page.locator("h1")).to_have_text("There")
    assert page.url == closed.url + wanted
    assert page.evaluate("fetch('/auth/me').then(reply => reply.json())")["name"] == "anna"


def test_the_way_on_never_leaves_the_server(closed, page):
    arrive(page)
    for elsewhere in ("https://evil.example/", "//evil.example", "/\\evil.example", "/http://evil.example/", "/x/..///evil.example", "/javascript:alert(1)", "evil", ""):
        page.goto(f"{closed.url}/login?next={urllib.parse.quote(elsewhere, safe='')}")
        sign_in(page, token("anna"))
        expect(page.locator("h1")).to_have_text("There")
        assert page.url.startswith(closed.url + "/"), elsewhere


def test_the_login_below_a_path_of_a_proxy(closed, page):
    proxy = Proxy(closed.url, "/photos/darkroom")
    try:
        page.goto(proxy.url + "/api/?x=1")
        expect(page).to_have_url(f"{proxy.url}/login?next=%2Fapi%2F%3Fx%3D1")
        arrive(page)
        sign_in(page, token("anna"))
        expect(page).to_have_url(proxy.url + "/api/?x=1")
        page.unroute_all()
        page.goto(proxy.url + "/restore")
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    finally:
        proxy.close()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_login_is_accessible(closed, page, language):
    page.goto(closed.url + "/login?next=%2F")
    if language == "zh":
        page.get_by_role("button", name="中文").click()
        expect(page.locator("h1")).to_have_text("门关着")
        assert page.title() == "登录 · Darkroom"
        left = page.evaluate("() => document.body.innerText.match(/[A-Za-z]{3,}/g)") or []
        assert set(left) <= {"Darkroom", "English"}, left
    look_at(page, "login", language)
    sign_in(page, "wrong")
    expect(page.get_by_role("alert")).to_have_text(re.compile("^(That token is not known here|令牌无效)"))
    look_at(page, "login-wrong", language, widths=(360,))
