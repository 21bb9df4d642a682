// What is to be done with the next photos. Remembered by this browser, and never more than this server can do.
import { remembered, remember } from "../lib/storage.js";
import { kSteps, stepsOf } from "./photo.js";

const kOff = { colorize: false, denoise: 0, scratch: 0, upscale: 1, sharpen: 0, keep_gps: false };

export const canDo = (info, step) => (step === "colorize" ? (info?.models?.colorize ?? []).length > 0 : (info?.steps ?? kSteps).includes(step));

/** Colour where there is a colouriser; else the thing that is seen most. */
function sensible(info) {
  if (canDo(info, "colorize")) return { ...kOff, colorize: true };
  return canDo(info, "upscale") ? { ...kOff, upscale: 2 } : { ...kOff, denoise: 0.2 };
}

function allowed(options, info) {
  const result = { ...options };
  for (const step of kSteps) if (!canDo(info, step)) result[step] = kOff[step];
  return result;
}

export class Options {
  // What a switch turns on. Looked at on old photographs: more denoising smears water and hills, more repair takes a mast for a scratch.
  strengths = { denoise: 0.2, scratch: 0.2, sharpen: 0.3 };
  model = null;
  #chosen = remembered("options");

  /** As the form shows them. */
  shown(info) {
    const options = allowed({ ...sensible(info), ...this.#chosen }, info);
    return stepsOf(options).length || this.#chosen ? options : sensible(info);
  }

  /** As the server wants them. */
  forServer(info, language) {
    const model = (info?.models?.colorize ?? []).some(({ name }) => name === this.model) ? this.model : null;
    return { ...this.shown(info), ...(model && { model }), lang: language };
  }

  set(change, info) {
    this.#chosen = { ...this.shown(info), ...change };
    for (const step of Object.keys(this.strengths)) if (this.#chosen[step] > 0) this.strengths[step] = this.#chosen[step];
    remember("options", this.#chosen);
  }
}
