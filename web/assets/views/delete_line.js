// "Deleted in 23 hours — Delete now", which asks once in place.
import { buttonOf, h, setText } from "../lib/dom.js";
import { t } from "../lib/strings.js";
import { confirmIn } from "./confirm.js";

/** @param words() said before the button; what a photo without a time of deletion has is nothing */
export function deleteLine({ photo, work, onLeft }, words) {
  const line = h("p");
  const button = buttonOf(t("Delete now"), () => confirmIn(element, {
    question: t("Delete this photo and its result for good?"), yes: t("Delete"), button,
    onYes: async () => {
      const left = onLeft(photo);
      if (!(await work.forget(photo))) left.stay();
    },
  }), { className: "quiet" });
  const element = h("div.gone", null, line, button);
  return { element, update: () => setText(line, photo.expires ? words() : "") };
}
