// The server does not take the photo for now: it is kept in this page and sent by itself later.
import { buttonOf, h, setText } from "../lib/dom.js";
import { t } from "../lib/strings.js";
import { askToNotify, canNotify } from "../lib/notify.js";
import { heldWords } from "../photos/held.js";

export function heldSide({ photo, list, work }) {
  const title = h("h2.big", { id: "fu-h" });
  const say = h("p.say");
  const when = h("p.facts");
  const then = h("span");
  const tell = h("input", { type: "checkbox", role: "switch", onchange: async () => {
    const on = tell.checked && (await askToNotify());
    tell.checked = on;
    list.update(photo, { notify: on });
  } });
  const element = h("section.status", { "aria-labelledby": "fu-h" },
    h("div.s-a", null, title, say, when),
    h("div.s-b", null,
      h("ul.todo", { role: "list" },
        h("li", null, h("b", null, t("Leave this page open.")), " ", then),
        h("li", null, h("b", null, t("Or come back later.")), " ", h("span", null, t("The photo stays in this browser and is tried again then.")))),
      canNotify() && h("label.row", null, h("span", null, t("Tell me when it starts")), tell),
      h("div.acts", null, buttonOf(t("Give up"), () => work.cancel(photo)))));
  return { element, update() {
    const words = heldWords(photo, work.info);
    setText(title, words.title);
    setText(say, words.say);
    setText(when, words.when);
    setText(then, words.then);
    tell.checked = photo.notify;
  } };
}
