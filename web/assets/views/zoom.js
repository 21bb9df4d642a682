// How large a picture is shown and which part of it: pure geometry, used by compare.js.

const kStops = [25, 50, 75, 100, 150, 200, 300, 400, 600, 800];  // percent; 100: one pixel of the result on one of the screen
const kLargest = 800;
const kAtLeast = 4;  // however small the picture, so much larger than fitted

export class Zoom {
  scale = 1;          // 1: fitted to its frame
  x = 0;              // of the picture's corner in the frame, CSS pixels, never above 0
  y = 0;
  #frame = { width: 1, height: 1 };
  #pixels = 1;        // width of the result

  /** @param frame in CSS pixels @param resultWidth in pixels of the result */
  measure(frame, resultWidth) {
    const grown = frame.width / this.#frame.width;
    this.#frame = frame;
    this.#pixels = resultWidth || frame.width * devicePixelRatio;
    this.#place(this.x * grown, this.y * grown);
  }

  get fitted() { return this.scale === 1; }
  get percent() { return this.#percentAt(this.scale); }
  get most() { return Math.max(kAtLeast, kLargest / this.#percentAt(1)); }

  /** To a scale, with the point (cx, cy) of the frame staying where it is. */
  to(scale, cx = this.#frame.width / 2, cy = this.#frame.height / 2) {
    const next = Math.min(this.most, Math.max(1, scale));
    const grown = next / this.scale;
    this.scale = next;
    this.#place(cx - (cx - this.x) * grown, cy - (cy - this.y) * grown);
  }

  /** One stop in or out. */
  step(direction) {
    const fit = this.#percentAt(1), now = this.percent;
    const stops = [fit, ...kStops.filter(stop => stop > fit * 1.05), this.#percentAt(this.most)];
    const next = direction > 0 ? stops.find(stop => stop > now * 1.01) : stops.findLast(stop => stop < now * 0.99);
    if (next) this.to(next / fit);
  }

  pan(dx, dy) { this.#place(this.x + dx, this.y + dy); }

  #place(x, y) {
    this.x = Math.min(0, Math.max(this.#frame.width * (1 - this.scale), x));
    this.y = Math.min(0, Math.max(this.#frame.height * (1 - this.scale), y));
  }

  #percentAt(scale) { return (100 * scale * this.#frame.width * devicePixelRatio) / this.#pixels; }
}
