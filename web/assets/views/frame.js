// One photo on the contact sheet: its picture, how far it is, and the one thing that can be done with it from here.
import { h, icon, setAttribute, setPicture, setText, setWidth } from "../lib/dom.js";
import { t } from "../lib/strings.js";
import { resultAddress } from "../server/api.js";
import { isAtWork, thumbOf } from "../photos/photo.js";
import { caption, spoken } from "../photos/words.js";
import { previewLayers } from "./preview.js";

/** {symbol, name, act} by state. */
function actionOf(photo, n, { work, onSave }) {
  if (photo.state === "added") return { symbol: "i-close", name: t("Remove photo {n}", { n }), act: () => work.drop(photo) };
  if (isAtWork(photo)) return { symbol: "i-close", name: t("Cancel photo {n}", { n }), act: () => work.cancel(photo) };
  if (photo.state === "complete") return { symbol: "i-save", name: t("Download photo {n}", { n }), act: () => onSave(photo) };
  if (photo.state === "error") return { symbol: "i-again", name: t("Retry photo {n}", { n }), act: () => work.again(photo) };
  if (photo.state === "cancelled") return { symbol: "i-again", name: t("Run photo {n} again", { n }), act: () => work.again(photo) };
  return { symbol: "i-close", name: t("Remove photo {n}", { n }), act: () => work.drop(photo) };
}

const kSteps = { waiting: "waiting", next: "uploading", uploading: "uploading", running: "working", complete: "done" };

export function frame({ photo, work, onOpen, onSave }) {
  const number = h("span");
  const image = h("img", { alt: "", draggable: "false" });
  const layers = previewLayers(photo, { frame: 3 / 2 });
  const bar = h("i");
  const line = h("span.line", null, bar);
  const ring = icon("w-ring", "wax ring");
  const cross = icon("w-cross", "wax");
  const nothing = h("span.blank", { translate: "no" });
  const open = h("a.open", { href: `#${photo.id}`, onclick: event => {
    event.preventDefault();
    onOpen(photo);
  } }, h("span.pic", null, nothing, image, layers.element), line, ring, cross);
  const state = h("b"), detail = h("span");
  const button = h("button.x", { type: "button" });
  const element = h("li.frame", null, h("p.edge", { "aria-hidden": "true" }, h("i"), number), open,
    h("div.rebate", null, h("p", { "aria-hidden": "true" }, state, detail), button));
  image.addEventListener("error", () => { image.hidden = true; });
  image.addEventListener("load", () => { nothing.hidden = true; });

  let symbol = null, act = null;
  button.addEventListener("click", () => act?.());

  return {
    element,
    update(n) {
      const words = caption(photo);
      setText(number, String(n));
      setAttribute(open, "href", `#${photo.id}`);
      setAttribute(open, "aria-label", spoken(photo, n));
      setAttribute(element, "data-status", kSteps[photo.state] ?? photo.state);
      setText(state, words.state);
      setText(detail, words.detail);
      setText(nothing, photo.name);
      nothing.hidden = !image.hidden && image.complete && image.naturalWidth > 0;
      const done = photo.state === "complete" && photo.result;
      setPicture(image, done ? resultAddress(photo.result.url) : photo.state === "gone" ? null : thumbOf(photo));
      layers.update();
      const share = photo.state === "uploading" ? photo.uploaded * 100 : photo.state === "running" ? photo.progress : null;
      line.hidden = share === null;
      if (share !== null) setWidth(bar, share);
      ring.toggleAttribute("hidden", photo.state !== "complete" || photo.seen);
      cross.toggleAttribute("hidden", photo.state !== "error");
      const action = actionOf(photo, n, { work, onSave });
      act = action.act;
      setAttribute(button, "aria-label", action.name);
      if (symbol !== action.symbol) button.replaceChildren(icon((symbol = action.symbol)));
    },
  };
}
