"""Looks at a page with axe-core at three widths in both themes, and keeps its pictures for eyes."""
from harness import CACHE

AXE = CACHE / "axe-0.1.8/axe_playwright_python/axe.min.js"
SCREENS = CACHE / "screens/restore"
HEIGHTS = {360: 740, 768: 1024, 1440: 900}  # of the window, by its width

SMALL_TARGETS = """() => [...document.querySelectorAll("button, a[href], summary, [role=slider], select, input")].filter(e => e.checkVisibility({visibilityProperty: true}))
    .map(e => e.closest("label") ?? e).filter(e => !e.closest(".skip")).map(e => [e.outerHTML.slice(0, 90), e.getBoundingClientRect()])
    .filter(([, box]) => box.width && (box.width < 43.5 || box.height < 43.5)).map(([what, box]) => `${what} ${box.width}x${box.height}`)"""


def look_at(page, name, language="en", widths=tuple(HEIGHTS)):
    page.evaluate(AXE.read_text())
    SCREENS.mkdir(parents=True, exist_ok=True)
    for width in widths:
        page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
        for theme in ("dark", "light"):
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # else the room takes .6 s to change its light
            page.wait_for_timeout(100)
            page.screenshot(path=str(SCREENS / f"{name}-{width}-{theme}-{language}.png"), full_page=True)
            found = page.evaluate("() => axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})")
            faults = [f"{v['id']}: {n['target']} {n['failureSummary']}" for v in found["violations"] for n in v["nodes"]]
            assert not faults, f"{width} {theme}\n" + "\n".join(faults)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{width}: wider than the window"
        small = page.evaluate(SMALL_TARGETS)
        assert not small, "\n".join(small)
