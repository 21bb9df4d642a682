// How the state of a photo is said: on its frame, in its name for screen readers, in the live region.
import * as format from "../lib/format.js";
import { list, ordinal, t } from "../lib/strings.js";
import { failureOf } from "./failures.js";
import { heldWords } from "./held.js";

export const stepName = (step, options) => ({
  denoise: () => t("Denoise"), scratch: () => t("Repair scratches"), colorize: () => t("Colourise"), sharpen: () => t("Sharpen"),
  upscale: () => (options?.upscale > 1 ? t("Upscale {n}×", { n: options.upscale }) : t("Upscale")),
}[step]?.() ?? step);

export const inLine = position => t("{nth} in line", { nth: ordinal(position), n: position });

function leftOf(photo) {
  const left = format.timeLeft(photo.secondsLeft);
  if (!left) return "";
  return left.range ? t("{range} left", { range: left.range }) : left.words;
}

/** {state, detail} as under a frame. */
export function caption(photo) {
  switch (photo.state) {
    case "added": return { state: t("Added"), detail: t("not started") };
    case "next": return { state: photo.cut ? t("Upload cut off") : t("Next to upload"), detail: photo.cut ? t("goes on by itself") : format.bytes(photo.bytes ?? 0) };
    case "uploading": return { state: t("Uploading"), detail: format.percent(photo.uploaded * 100) };
    case "held": return heldWords(photo);
    case "waiting": return { state: t("Waiting"), detail: photo.cancelling ? t("cancelling") : photo.position ? inLine(photo.position) : "" };
    case "running": return { state: t("Developing"), detail: photo.cancelling ? t("cancelling") : list([format.percent(photo.progress), leftOf(photo)]) };
    case "complete": return { state: t("Finished"), detail: t("AI-made") };
    case "error": return { state: t("Failed"), detail: failureOf(photo).short };
    case "cancelled": return { state: t("Cancelled"), detail: t("by you") };
    default: return { state: t("Deleted"), detail: t("its time is over") };
  }
}

/** The name of a frame for those who do not see it. */
export function spoken(photo, number) {
  const { state, detail } = caption(photo);
  const unseen = photo.state === "complete" && !photo.seen ? t("not yet seen") : null;
  const low = state.charAt(0).toLowerCase() + state.slice(1);
  return t("Photo {n}, {file}: {what}", { n: number, file: photo.name, what: list([low, detail, unseen]) });
}

/** "Photo 2 of 6, 1024 × 819 px, 0.3 MB"; parts that are not known are left out. */
export function facts(photo, number, count) {
  return list([count > 1 && t("Photo {n} of {count}", { n: number, count }), photo.width && format.size(photo.width, photo.height), photo.bytes && format.bytes(photo.bytes)]);
}
