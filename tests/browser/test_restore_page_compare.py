"""Before and after on the photo page: the slider by keyboard, zoom by buttons, wheel, drag and two fingers."""
from playwright.sync_api import expect

from restore_page import HOME, picture


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
