// Before and after: the original left of a line, the result right of it; both enlarged and moved together.
import { buttonOf, h, setAttribute, setPicture, setText } from "../lib/dom.js";
import { t } from "../lib/strings.js";
import { resultAddress } from "../server/api.js";
import { originalOf } from "../photos/photo.js";
import { gestures } from "./gestures.js";
import { Zoom } from "./zoom.js";

const kStart = 46;                       // percent: both sides show, and neither is exactly half
const kSmallStep = 2, kLargeStep = 10;   // percent
const kPanStep = 60;                     // CSS pixels

export function compareFigure({ photo, list, work }) {
  const zoom = new Zoom();
  let line = kStart;

  const before = h("img", { alt: t("Original: {file}", { file: photo.name }), draggable: "false" });
  const after = h("img", { alt: t("Restored, AI-made: {file}", { file: photo.name }), draggable: "false" });
  const handle = h("div.handle", { role: "slider", tabIndex: 0, "aria-label": t("Compare original and restored"), "aria-orientation": "horizontal",
    "aria-valuemin": "0", "aria-valuemax": "100", onkeydown: onKey }, h("span"));
  const frame = h("div.pic.compare", null, h("div.layer", null, h("div.zoomed", null, before)), h("div.layer.after", null, h("div.zoomed", null, after)), handle);
  const shown = h("output", { id: "zoom" });
  const fit = buttonOf(t("Fit to page"), () => zoomed(() => zoom.to(1)), { className: "quiet" });
  const smaller = buttonOf("", () => zoomed(() => zoom.step(-1)), { className: "btn square", symbol: "i-minus", name: t("Zoom out") });
  const larger = buttonOf("", () => zoomed(() => zoom.step(1)), { className: "btn square", symbol: "i-plus", name: t("Zoom in") });
  const hint = h("p.hint.for-mouse");
  const failed = h("p.wrong", { hidden: true, role: "alert" });

  function draw() {
    const percent = Math.round(line);
    frame.style.setProperty("--x", `${line}%`);
    frame.style.setProperty("--z", zoom.scale);
    frame.style.setProperty("--px", `${zoom.x}px`);
    frame.style.setProperty("--py", `${zoom.y}px`);
    frame.toggleAttribute("data-zoomed", !zoom.fitted);
    frame.toggleAttribute("data-pixels", zoom.percent >= 300);
    setAttribute(handle, "aria-valuenow", percent);
    setAttribute(handle, "aria-valuetext", t("{a} % original, {b} % restored", { a: percent, b: 100 - percent }));
    setText(shown, zoom.fitted ? t("Fit") : t("{n} %", { n: Math.round(zoom.percent) }));
    if (zoom.fitted && document.activeElement === fit) larger.focus();
    fit.hidden = smaller.disabled = zoom.fitted;
    larger.disabled = zoom.scale >= zoom.most;
    setText(hint, zoom.fitted ? t("Drag the line, or use the arrow keys") : t("Drag to move, or Alt and the arrow keys"));
  }

  function moveLine(to) {
    line = Math.min(100, Math.max(0, to));
    draw();
  }

  function zoomed(change) {
    change();
    draw();
  }

  function onKey(event) {
    const step = event.shiftKey ? kLargeStep : kSmallStep;
    const pan = { ArrowLeft: [kPanStep, 0], ArrowRight: [-kPanStep, 0], ArrowUp: [0, kPanStep], ArrowDown: [0, -kPanStep] }[event.key];
    const to = { ArrowLeft: line - step, ArrowDown: line - step, ArrowRight: line + step, ArrowUp: line + step, PageDown: line - kLargeStep, PageUp: line + kLargeStep,
      Home: 0, End: 100 }[event.key];
    if (event.ctrlKey || event.metaKey) return;
    if (event.altKey && pan) zoomed(() => zoom.pan(...pan));
    else if (to !== undefined) moveLine(to);
    else if (event.key === "+" || event.key === "=") zoomed(() => zoom.step(1));
    else if (event.key === "-") zoomed(() => zoom.step(-1));
    else if (event.key === "0") zoomed(() => zoom.to(1));
    else return;
    event.preventDefault();
  }

  gestures(frame, { zoom, isLine: target => handle.contains(target), onZoom: draw, onLine: share => {
    handle.focus({ preventScroll: true });
    moveLine(share * 100);
  } });

  const resize = new ResizeObserver(() => {
    zoom.measure({ width: frame.clientWidth || 1, height: frame.clientHeight || 1 }, photo.result?.width);
    draw();
  });
  resize.observe(frame);

  before.addEventListener("load", () => !photo.width && list.update(photo, { width: before.naturalWidth, height: before.naturalHeight }));
  after.addEventListener("load", () => {
    failed.hidden = true;
    if (photo.result && !photo.result.width) list.update(photo, { result: { ...photo.result, width: after.naturalWidth, height: after.naturalHeight } });
  });
  after.addEventListener("error", () => {
    if (photo.expires && photo.expires < Date.now()) return work.markGone(photo);
    setText(failed, t("The result could not be shown. Download it, or reload this page."));
    failed.hidden = false;
  });
  work.markSeen(photo);

  let measured = null;
  return {
    element: h("figure.print", null, h("div.paper", null, frame), h("figcaption", null, h("span", null, t("Original")), h("span", null, t("Restored, AI-made"))),
      failed, h("div.zoombar", { role: "group", "aria-label": t("Zoom") }, smaller, shown, larger, fit, hint)),
    update() {
      if (!photo.result) return;
      setPicture(before, originalOf(photo));
      setPicture(after, resultAddress(photo.result.url));
      if (measured === photo.result.width) return;
      measured = photo.result.width;
      zoom.measure({ width: frame.clientWidth || 1, height: frame.clientHeight || 1 }, measured);
      draw();
    },
    destroy: () => resize.disconnect(),
  };
}
