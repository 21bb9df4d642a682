"""The official editor in a real browser, as its tests see it."""
import io
import re

from PIL import Image

from harness import CACHE

# Console errors that a sound server causes too (editor.md §2, §3): 404s that are normal, and hosts that are not ours.
NORMAL_404 = [r"/user\.css$", r"/api/userdata/user\.css$", r"/favicon\.ico$", r"/api/userdata/comfy\.templates\.json$", r"/docs/.*",
              r"/api/userdata/workflows%2F\.index\.json", r"/api/userdata\?dir=(workflows|subgraphs).*", r"/api/experiment/models.*"]
NORMAL_CONSOLE = [r"Failed to load resource: .*404", r"Failed to load resource: net::ERR_(NAME_NOT_RESOLVED|CONNECTION|INTERNET|FAILED|BLOCKED|CERT|TUNNEL|PROXY|SSL|ADDRESS).*",
                  r"net::ERR_", r"api\.comfy\.org", r"releases", r"firebase|googleapis|sentry|posthog|mixpanel|stripe", r"AxiosError.*Network Error|Network Error"]

EDITORS = {"1.58.1": None, "1.35.9": CACHE / "editor-1.35.9/comfyui_frontend_package/static"}


class Page:
    """A page of the editor with everything that went wrong in it."""

    def __init__(self, browser, server, forbidden=()):
        """`forbidden`: paths that this user may not ask for."""
        self.exceptions, self.console, self.failed, self.forbidden = [], [], [], forbidden
        context = browser.new_context(viewport={"width": 1400, "height": 900})
        self.page = context.new_page()
        self.page.on("pageerror", lambda e: self.exceptions.append(str(e)))
        self.page.on("console", lambda m: self.console.append(f"{m.text} [{m.location.get('url', '')}]") if m.type == "error" else None)
        self.page.on("response", lambda r: self.failed.append((r.status, r.url)) if r.status >= 400 and server.url in r.url else None)
        self.server = server
        # Hosts that are not ours can't be reached from a test: refuse them at once.
        context.route(lambda url: not url.startswith((server.url, "data:", "blob:")), lambda route: route.abort())

    def open(self):
        self.page.goto(self.server.url, wait_until="domcontentloaded")
        self.wait_until_there()

    def wait_until_there(self):
        self.page.wait_for_function("() => window.app && window.app.graph && window.app.canvas && window.LiteGraph "
                                    "&& window.LiteGraph.registered_node_types['SaveImage']", timeout=60_000)

    def complaints(self):
        bad = [f"exception: {e}" for e in self.exceptions if not any(re.search(n, e) for n in NORMAL_CONSOLE)]
        refused = [rf"status of 403 .*{re.escape(path)}\]$" for path in self.forbidden]
        bad += [f"console: {c}" for c in self.console if not any(re.search(n, c) for n in NORMAL_CONSOLE + refused)]
        for status, url in self.failed:
            path = url[len(self.server.url):]
            if not (status == 404 and any(re.search(n, path) for n in NORMAL_404)) and (status, path) not in [(403, one) for one in self.forbidden]:
                bad.append(f"{status} {path}")
        return bad


def editor_flags(version):
    """Of a server that serves this version."""
    return ["--front-end-root", str(EDITORS[version])] if EDITORS[version] else []


def be_at_home(server):
    """The photo of the workflow is there, and it is not the first visit, which opens a workflow of its own."""
    picture = Image.new("RGB", (96, 64), (200, 120, 40))
    out = io.BytesIO()
    picture.save(out, "PNG")
    server.upload("photo.png", out.getvalue()).raise_for_status()
    server.post("/settings/Comfy.TutorialCompleted", True).raise_for_status()
