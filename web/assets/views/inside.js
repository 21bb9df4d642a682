// A look inside, closed at first: the memory of the process over time, and where the colour model looked.
import { h, setAttribute, setPicture, setText, svg } from "../lib/dom.js";
import * as format from "../lib/format.js";
import { remembered, remember } from "../lib/storage.js";
import { t } from "../lib/strings.js";
import { address } from "../server/api.js";
import { thumbOf } from "../photos/photo.js";

const kWidth = 240, kHeight = 44, kTop = 3.5, kBottom = 40;  // of the curve, in its own units

function pathOf(values, most) {
  const y = value => (kBottom - (value / most) * (kBottom - kTop)).toFixed(1);
  const step = kWidth / Math.max(1, values.length - 1);
  return values.map((value, i) => `${i ? "L" : "M"}${(i * step).toFixed(1)} ${y(value)}`).join("");
}

/** @param pick(point) the bytes, @param limitOf(point) the most that is allowed, if known */
function memoryGauge(title, pick, limitOf) {
  const cap = svg("path", { class: "cap" }), line = svg("path");
  const curve = svg("svg", { class: "spark", viewBox: `0 0 ${kWidth} ${kHeight}`, preserveAspectRatio: "none", role: "img" }, cap, line);
  const now = h("b"), legend = h("span");
  const element = h("div.gauge", null, h("p", null, h("span", null, title), now), curve, h("p.legend", null, legend));
  return { element, update(memory) {
    const values = memory.map(pick).filter(value => value > 0);
    element.hidden = values.length === 0;
    if (element.hidden) return;
    const last = values.at(-1), highest = Math.max(...values);
    const limit = limitOf(memory.at(-1));
    const most = Math.max(limit ?? 0, highest);
    const figures = { now: format.gigabytes(last), most: format.gigabytes(highest), limit: limit && format.gigabytes(limit) };
    setText(now, t("{n} GB", { n: figures.now }));
    setText(legend, limit ? t("Now {now}, highest {most}, limit {limit} GB", figures) : t("Now {now}, highest {most} GB", figures));
    setAttribute(curve, "aria-label", t("{title} over time: {now} GB now, {most} GB at most", { title, ...figures }));
    setAttribute(cap, "d", limit ? `M0 ${kTop}H${kWidth}` : null);
    setAttribute(line, "d", pathOf(values, most));
  } };
}

export function insideView(photo) {
  const memory = memoryGauge(t("Memory"), point => point.process, point => point.limit);
  const gpu = memoryGauge(t("Memory of the GPU"), point => point.gpu, point => point.gpu_limit);
  const under = h("img", { alt: "" });
  const map = h("img.map", { alt: t("Attention map of the colour model over the photo") });
  const attention = h("div.gauge", null, h("p", null, h("span", null, t("Where the model looked"))), h("div.heat", null, under, map),
    h("p.legend.ramp", { "aria-hidden": "true" }, h("span", null, t("little")), h("i"), h("span", null, t("much"))),
    h("p.help", null, t("Attention of the colour model. It shows what weighed in, not why.")));
  const element = h("details.inside", { open: remembered("inside", false), ontoggle: () => remember("inside", element.open) },
    h("summary", null, t("A look inside")), memory.element, gpu.element, attention);
  let lost = null;  // an address that gives no picture any more
  map.addEventListener("error", () => {
    lost = photo.attention;
    attention.hidden = true;
  });

  return { element, update() {
    memory.update(photo.memory);
    gpu.update(photo.memory);
    attention.hidden = !photo.attention || photo.attention === lost;
    if (photo.attention) {
      setPicture(under, thumbOf(photo));
      setPicture(map, address(photo.attention));
    }
    element.hidden = photo.memory.length === 0 && !photo.attention;
  } };
}
