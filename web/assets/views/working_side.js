// What happens to the photo right now: time left, how far it is, its stages, a look inside, and the way out.
import { buttonOf, h, setAttribute, setText, setWidth } from "../lib/dom.js";
import * as format from "../lib/format.js";
import { ordinal, t } from "../lib/strings.js";
import { insideView } from "./inside.js";
import { stageList } from "./stages.js";

const kCountable = 200;  // of more parts the server says the percentage

/** The large line: {large, small}. */
function headline(photo) {
  if (photo.cancelling) return { large: t("Cancelling"), small: "" };
  if (photo.state === "next") return { large: photo.cut ? t("Upload cut off") : t("Next to upload"), small: "" };
  if (photo.state === "uploading") return { large: t("Uploading"), small: "" };
  if (photo.state === "waiting") return photo.position ? { large: t("{nth}", { nth: ordinal(photo.position), n: photo.position }), small: t("in line") } : { large: t("Waiting"), small: "" };
  const left = format.timeLeft(photo.secondsLeft);
  if (!left) return { large: t("Working"), small: "" };
  return left.range ? { large: left.range, small: t("left") } : { large: left.words, small: "" };
}

/** Small facts under the bar, real ones only. */
function factsOf(photo) {
  if (photo.state === "next") return [photo.cut ? t("The upload was cut off. It goes on when you are back online.") : t("The photos before it are being sent.")];
  if (photo.state === "uploading") return [photo.bytes ? t("{done} of {all}", { done: format.bytes(photo.bytes * photo.uploaded), all: format.bytes(photo.bytes) }) : ""];
  if (photo.state === "waiting") return [t("The photo is on the server and starts by itself.")];
  if (photo.tiles > 1 && photo.tiles <= kCountable && photo.tile > 0) {
    const tiles = photo.source === "upscale";
    const n = { n: photo.tile, all: photo.tiles };
    return [tiles ? t("Tile {n} of {all}", n) : t("Part {n} of {all}", n),
      tiles && photo.secondsPerTile ? t("{n} s per tile", { n: Number(photo.secondsPerTile.toFixed(photo.secondsPerTile < 10 ? 1 : 0)) }) : ""];
  }
  return [photo.message];
}

export function workingSide({ photo, work }) {
  const large = h("span"), small = h("small");
  const heading = h("h2.big.time", { id: "st-h" }, large, " ", small);
  const fill = h("i");
  const bar = h("div.bar", { role: "progressbar", "aria-label": t("Whole photo"), "aria-valuemin": "0", "aria-valuemax": "100" }, fill);
  const first = h("span"), second = h("span"), percent = h("b");
  const stages = stageList(photo);
  const inside = insideView(photo);
  const cancel = buttonOf(t("Cancel this photo"), () => work.cancel(photo));
  const closing = h("p.help");
  const element = h("section.status", { "aria-labelledby": "st-h" },
    h("div.s-a", null, heading, bar, h("p.facts", null, first, second, percent)),
    h("div.s-b", null, stages.element, inside.element),
    h("div.s-c", null, h("div.acts", null, cancel), closing));

  return { element, update() {
    const words = headline(photo);
    setText(large, words.large);
    setText(small, words.small);
    heading.classList.toggle("words", !words.small);
    const share = photo.state === "uploading" ? photo.uploaded * 100 : photo.state === "running" ? photo.progress : 0;
    setWidth(fill, share);
    setAttribute(bar, "aria-valuenow", Math.round(share));
    setAttribute(bar, "aria-label", photo.state === "uploading" ? t("Upload") : t("Whole photo"));
    bar.hidden = photo.state === "waiting" || photo.state === "next";
    const [one, two = ""] = factsOf(photo);
    setText(first, one);
    setText(second, two);
    setText(percent, bar.hidden ? "" : format.percent(share));
    cancel.disabled = photo.cancelling;
    stages.update();
    inside.update();
    const onServer = ["waiting", "running"].includes(photo.state);
    setText(closing, onServer ? t("You can close this page. The photo carries on and will be here when you return.")
      : t("Please leave this page open until the photo is sent."));
  } };
}
