// Files that were not taken, each with its name and the reason, until the visitor has read them.
import { h, icon } from "../lib/dom.js";
import { t } from "../lib/strings.js";

export function refusedNotes(place) {
  const list = h("ul.refused", { role: "list" });
  const box = h("div", { role: "alert" }, list);
  place.append(box);
  const clear = () => list.replaceChildren();
  return {
    add(notes) {
      for (const { name, why } of notes) {
        const line = h("li", null, h("p", null, name && h("b", { translate: "no" }, name), name && " ", h("span", null, why)),
          h("button.x", { type: "button", "aria-label": t("Close"), onclick: () => line.remove() }, icon("i-close")));
        list.append(line);
      }
    },
    clear,
    element: box,
  };
}
