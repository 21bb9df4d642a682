// The photo in its paper border: as it was, or coming up part by part while the server works.
import { h, setPicture, setText } from "../lib/dom.js";
import { t } from "../lib/strings.js";
import { originalOf } from "../photos/photo.js";
import { previewLayers } from "./preview.js";

/** The original, with its size learned from the picture when nobody said it. */
function originalPicture({ photo, list }, alt) {
  const image = h("img", { alt });
  const blank = h("span.blank", null, t("No preview of this file in a browser"));
  blank.hidden = true;
  image.addEventListener("error", () => {
    image.hidden = true;
    blank.hidden = false;
  });
  image.addEventListener("load", () => {
    blank.hidden = true;
    if (!photo.width) list.update(photo, { width: image.naturalWidth, height: image.naturalHeight });
  });
  return { parts: [blank, image], update() {
    const address = photo.state === "gone" ? null : originalOf(photo);
    setPicture(image, address);
    if (!address) blank.hidden = false;
  } };
}

export function plainFigure(context, caption) {
  const { photo } = context;
  const original = originalPicture(context, t("Your photo {file}", { file: photo.name }));
  const words = h("span");
  return {
    element: h("figure.print", null, h("div.paper", null, h("div.pic", null, original.parts)), h("figcaption", null, words)),
    update() {
      original.update();
      setText(words, caption());
    },
  };
}

const kAlmostAll = 0.9;  // a part that large needs no mark

/** Live preview: a new picture comes up over the last one; corners mark the part that is at work. */
export function liveFigure(context) {
  const { photo } = context;
  const original = originalPicture(context, t("Live preview of {file}", { file: photo.name }));
  const layers = previewLayers(photo);
  const tile = h("span.tile", { "aria-hidden": "true" });
  const words = h("span");

  return {
    element: h("figure.print", null, h("div.paper", null, h("div.pic.live", null, original.parts, layers.element, tile)), h("figcaption", null, words)),
    update() {
      original.update();
      layers.update();
      const part = photo.state === "running" ? photo.preview?.part : null;
      tile.hidden = !part || part.width * part.height > kAlmostAll;
      if (part) {
        const css = { left: part.x, top: part.y, width: part.width, height: part.height };
        for (const [property, value] of Object.entries(css)) tile.style[property] = `${value * 100}%`;
      }
      setText(words, photo.preview ? t("Live preview") : t("Original"));
    },
  };
}
