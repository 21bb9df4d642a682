// The work so far, laid over a photo part by part. A part comes up as a picture of its own, and is then drawn into one canvas, so that
// hundreds of tiles cost no more than one.
import { h } from "../lib/dom.js";
import { previewPicture } from "../server/api.js";

const kSide = 1024;        // longer side of the canvas, pixels: as fine as previews are
const kComingUp = 1000;    // ms: a little more than the transition of .layer-up

const kWhole = { x: 0, y: 0, width: 1, height: 1 };

/**
 * As `object-fit: cover` lays a photo of `ratio` into a frame of `frame` (both width by height), with `object-position: 50% 35%`
 * (styles/sheet.css): the box of the whole photo, in percent of the frame.
 */
function covering(ratio, frame) {
  const width = Math.max(100, (ratio / frame) * 100), height = Math.max(100, (frame / ratio) * 100);
  return { width: `${width}%`, height: `${height}%`, left: `${(100 - width) * 0.5}%`, top: `${(100 - height) * 0.35}%` };
}

/** @param frame width by height of what the photo is cropped to; null where it is seen whole */
export function previewLayers(photo, { frame = null } = {}) {
  const canvas = h("canvas");
  const element = h("span.layers", { "aria-hidden": "true" }, canvas);
  let shown = null, loading = false, wanted = null;

  function fitCanvas() {
    const scale = kSide / Math.max(photo.width, photo.height);
    const width = Math.round(photo.width * scale), height = Math.round(photo.height * scale);
    if (canvas.width === width && canvas.height === height) return;
    canvas.width = width;
    canvas.height = height;
    if (frame) Object.assign(element.style, covering(photo.width / photo.height, frame));
  }

  function keep(layer, { x, y, width, height }) {
    canvas.getContext("2d").drawImage(layer, x * canvas.width, y * canvas.height, width * canvas.width, height * canvas.height);
    layer.remove();
    URL.revokeObjectURL(layer.src);
  }

  /** Pictures are loaded one at a time: of those that come meanwhile only the newest counts, for the server has no other. */
  async function comeUp() {
    if (loading || !wanted || wanted.url === shown) return;
    loading = true;
    const next = wanted;
    shown = next.url;
    try {
      const { url, place } = await previewPicture(next.url);
      const at = place ?? next.part ?? kWhole;
      const layer = h("img.layer-up", { src: url, alt: "", style: { left: `${at.x * 100}%`, top: `${at.y * 100}%`, width: `${at.width * 100}%`, height: `${at.height * 100}%` } });
      await layer.decode();
      element.append(layer);
      layer.getBoundingClientRect();  // the start of the transition has to be laid out
      layer.classList.add("up");
      setTimeout(() => keep(layer, at), kComingUp);
    } catch {
      // gone already: the next one comes
    }
    loading = false;
    comeUp();
  }

  return { element, update() {
    wanted = photo.state === "running" ? photo.preview : null;
    element.hidden = !wanted;
    if (!wanted || !photo.width) return;
    fitCanvas();
    comeUp();
  } };
}
