"""Several photos on the photo page: the contact sheet, reloads, tabs, a full server, drop and paste."""
import base64
import re

from playwright.sync_api import expect

from restore_page import BOATS, CANYON, HOME, picture


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
