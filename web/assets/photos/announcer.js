// Tells a screen reader what happens: every photo's end, and of the photo in view each change and each quarter. Never every tile.
import { say } from "../lib/live_region.js";
import { t } from "../lib/strings.js";
import * as format from "../lib/format.js";
import { failureOf } from "./failures.js";
import { heldWords } from "./held.js";
import { inLine, stepName } from "./words.js";

const quarter = progress => Math.floor((progress ?? 0) / 25);

/** @param inView() the key of the photo that is shown, or null */
export function announce(list, inView) {
  list.addEventListener("change", ({ detail: { photo, before } }) => {
    if (!photo) return;
    const n = list.numberOf(photo);
    if (photo.state !== before.state) {
      if (photo.state === "complete") return say(t("Photo {n} finished", { n }));
      if (photo.state === "error") return say(t("Photo {n} failed: {why}", { n, why: failureOf(photo).title }), { urgent: true });
      if (photo.state === "cancelled") return say(t("Photo {n} cancelled", { n }));
    }
    if (photo.key !== inView()) return;
    if (photo.state !== before.state && photo.state === "held") say(heldWords(photo).title);
    if (photo.state !== before.state && photo.state === "waiting" && photo.position) say(`${t("Waiting")}: ${inLine(photo.position)}`);
    if (photo.state !== "running") return;
    if (photo.source !== before.source && photo.source) say(t("Developing: {step}", { step: stepName(photo.source, photo.options) }));
    else if (quarter(photo.progress) !== quarter(before.progress)) say(format.percent(photo.progress));
  });
}
