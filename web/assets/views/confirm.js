// Asks once, in place, before something that can't be undone. The focus is on what keeps things as they are.
import { buttonOf, h } from "../lib/dom.js";
import { t } from "../lib/strings.js";

/**
 * Puts the question where the children of `place` are, until it is answered.
 * @param button what had the focus, and gets it back when nothing is done
 */
export function confirmIn(place, { question, yes, no = t("Keep"), button, onYes }) {
  const before = [...place.childNodes];
  const back = () => {
    place.replaceChildren(...before);
    place.classList.remove("asking");
    button.focus();
  };
  const keep = buttonOf(no, back);
  place.classList.add("asking");
  place.replaceChildren(
    h("p", null, question),
    h("div.acts", null, buttonOf(yes, () => {
      back();
      onYes();
    }, { className: "btn danger" }), keep));
  place.onkeydown = event => {
    if (event.key !== "Escape" || !place.classList.contains("asking")) return;
    event.stopPropagation();
    back();
  };
  keep.focus();
}
