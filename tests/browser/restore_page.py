"""What the tests of the photo page share: a visit that notes everything that goes wrong in the browser, and photos."""
import io
import pathlib
import re

from PIL import Image
from playwright.sync_api import expect

ROOT = pathlib.Path(__file__).resolve().parents[2]
PHOTOS = ROOT / "tests/data/restore/photos"
BOATS, CANYON, HOME, DETROIT, MOTHER, PASTORAL = (
    PHOTOS / f"old_{name}.jpg" for name in ("nagasaki_boats", "black_canyon", "dust_bowl_home", "detroit_1915", "migrant_mother", "march_pastoral"))

# What a browser logs by itself when a server can't be reached or refuses; the page says it in words.
EXPECTED_CONSOLE = r"Failed to load resource|net::ERR_|WebSocket connection to"


def picture(width=96, height=64, form="PNG", mode="RGB"):
    out = io.BytesIO()
    Image.new(mode, (width, height), 128 if mode in ("L", "I;16") else None).save(out, form)
    return out.getvalue()


class Visit:
    """One visitor's page. `with_trouble`: failed requests are part of the test."""

    def __init__(self, context, url, with_trouble=False):
        self.url = url
        self.page = context.new_page()
        self.complaints, self.sockets, self.outside = [], [], []
        self.page.on("pageerror", lambda e: self.complaints.append(f"exception: {e}"))
        self.page.on("console", lambda m: self._console(m, with_trouble))
        self.page.on("websocket", lambda s: self.sockets.append(s.url))
        self.page.on("request", lambda r: None if r.url.startswith((url, "blob:", "data:")) else self.outside.append(r.url))

    def _console(self, message, with_trouble):
        # A preview that was fetched in the moment when the job ended.
        if "404" in message.text and "/preview" in message.location.get("url", ""):
            return
        if message.type in ("error", "warning") and not (with_trouble and re.search(EXPECTED_CONSOLE, message.text)):
            self.complaints.append(f"{message.type}: {message.text} [{message.location.get('url', '')}]")

    def open(self, query=""):
        self.page.goto(f"{self.url}/restore{query}")
        expect(self.page.locator("main h1")).to_be_visible()
        return self

    def pick(self, *files):
        """Chooses files: paths, or (name, type, bytes)."""
        payload = [{"name": f.name, "mimeType": "image/jpeg", "buffer": f.read_bytes()} if isinstance(f, pathlib.Path)
                   else {"name": f[0], "mimeType": f[1], "buffer": f[2]} for f in files]
        self.page.locator("main input[type=file]").first.set_input_files(payload)
        return self

    def choose(self, upscale=None, colour=None):
        if upscale:
            self.page.get_by_role("radio", name=f"{upscale}×").check()
        if colour is not None:
            self.page.get_by_role("switch", name="Colourise").set_checked(colour)
        return self

    def restore(self):
        self.page.get_by_role("button", name=re.compile(r"^(Restore \d+ photo|修复 \d+ 张照片)")).click()
        return self

    def heading(self, text, timeout=15_000):
        expect(self.page.locator("main h1, main h2").filter(has_text=text).first).to_be_visible(timeout=timeout)
        return self

    def frame(self, n):
        return self.page.locator(".frame").nth(n - 1)

    def focused(self):
        return self.page.evaluate("() => document.activeElement.getAttribute('aria-label') || document.activeElement.textContent.trim()")

    def sound(self):
        assert not self.complaints, "\n".join(self.complaints)
        assert not self.outside, f"asked elsewhere: {self.outside}"


def large(width):
    """A photo that the real server works on for a while."""
    out = io.BytesIO()
    image = Image.open(BOATS)
    image.resize((width, width * image.height // image.width)).save(out, "JPEG")
    return ("boats.jpg", "image/jpeg", out.getvalue())
