// What went wrong, in words, and what can be done about it.
import * as format from "../lib/format.js";
import { t } from "../lib/strings.js";
import { stepsOf } from "./photo.js";

const without = (photo, step) => ({ ...photo.options, [step]: step === "upscale" ? 1 : step === "colorize" ? false : 0 });
const hasOthers = (photo, step) => stepsOf(without(photo, step)).length > 0;
const again = () => ({ label: t("Retry"), options: null });

function outOfMemory(photo) {
  const factor = photo.options?.upscale ?? 1;
  const { needed, limit } = photo.error;
  const figures = needed && limit ? { a: format.gigabytes(needed), b: format.gigabytes(limit) } : null;
  if (factor <= 1) {
    return { short: t("out of memory"), title: t("Not enough memory"), fixes: [again()],
      say: t("This photo needs more memory than this server allows."), advice: t("Try a smaller copy of it.") };
  }
  const fixes = [];
  if (factor > 2) fixes.push({ label: t("Retry with {n}×", { n: 2 }), options: { ...photo.options, upscale: 2 } });
  if (hasOthers(photo, "upscale")) fixes.push({ label: t("Retry without upscaling"), options: without(photo, "upscale") });
  return {
    short: t("out of memory"), title: t("Not enough memory for {n}×", { n: factor }), fixes: fixes.length ? fixes : [again()],
    say: figures ? t("Enlarging it {n} times needs about {a} GB and this server allows {b} GB.", { n: factor, ...figures })
      : t("Enlarging it {n} times needs more memory than this server allows.", { n: factor }),
  };
}

function missingModel(photo) {
  const step = photo.source ?? (photo.options?.colorize ? "colorize" : null);
  const fixes = step === "colorize" && hasOthers(photo, step) ? [{ label: t("Retry without colour"), options: without(photo, step) }] : [];
  return { short: t("model missing"), title: t("The model is missing"), say: t("The model is missing on this server. Tell the person who runs it."), fixes: [...fixes, again()] };
}

const plain = (short, title, say, { retry = true } = {}) => () => ({ short: t(short), title: t(title), say: t(say), fixes: retry ? [again()] : [] });

const kDamaged = plain("damaged file", "This file can't be read", "The file is damaged or cut short. Try another copy.", { retry: false });
const kRestarted = plain("server restarted", "The work was interrupted", "The server was restarted. Your photo is still here.");
const kTooLarge = plain("too large", "This photo is too large", "It has more bytes or pixels than this server takes. Try a smaller copy.", { retry: false });

const kFailures = {
  out_of_memory: outOfMemory,
  no_model: missingModel,
  model_missing: missingModel,
  model_failed: plain("model failed", "The model could not be loaded", "Its file on this server is damaged or of another kind. Tell the person who runs it."),
  bad_image: kDamaged,
  damaged: kDamaged,
  not_a_picture: plain("not a picture", "This is no picture", "Not a picture this server can read. Use JPEG, PNG, WebP or TIFF.", { retry: false }),
  too_large: kTooLarge,
  too_many_pixels: kTooLarge,
  nothing_to_do: plain("no step chosen", "There is nothing to do", "No step was chosen for this photo. Choose one and add the photo again."),
  worker_lost: kRestarted,
  restarted: kRestarted,
  upload_cut: plain("upload cut off", "The upload was not finished", "The server never got the whole file. Add the photo again.", { retry: false }),
  timeout: plain("took too long", "It took too long", "The server stopped after its time limit. Try a smaller copy, or fewer steps."),
};

/** {short, title, say, advice?, fixes: [{label, options|null}]}; options null: as they were. */
export function failureOf(photo) {
  const known = kFailures[photo.error?.code];
  if (known) return known(photo);
  return { short: t("see why"), title: t("That did not work"), say: photo.error?.text || t("The server said nothing more about it."), fixes: [again()] };
}
