// The server is full: the photo is kept in this page and sent by itself when there is room.
import { buttonOf, h, setText } from "../lib/dom.js";
import { locale, many, t } from "../lib/strings.js";
import { askToNotify, canNotify } from "../lib/notify.js";

function fullWords({ info }) {
  if (!info?.limits?.waiting) return t("All places are taken.");
  return many(info.running ?? 0, "{n} photo is running and all {places} waiting places are taken.",
    "{n} photos are running and all {places} waiting places are taken.", { places: info.limits.waiting });
}

const kSoon = 60_000;  // ms: before that no time of day is worth telling

function nextTry({ retryAt }) {
  if (!retryAt || retryAt - Date.now() < kSoon) return t("It is tried again every few seconds.");
  return t("It is tried again at {time}.", { time: new Intl.DateTimeFormat(locale(), { hour: "2-digit", minute: "2-digit" }).format(retryAt) });
}

export function heldSide({ photo, list, work }) {
  const say = h("p.say");
  const next = h("p.facts");
  const tell = h("input", { type: "checkbox", role: "switch", onchange: async () => {
    const on = tell.checked && (await askToNotify());
    tell.checked = on;
    list.update(photo, { notify: on });
  } });
  const element = h("section.status", { "aria-labelledby": "fu-h" },
    h("div.s-a", null, h("h2.big", { id: "fu-h" }, t("The server is full")), say, next),
    h("div.s-b", null,
      h("ul.todo", { role: "list" },
        h("li", null, h("b", null, t("Leave this page open.")), " ", h("span", null, t("The photo is sent by itself when a place is free."))),
        h("li", null, h("b", null, t("Or come back later.")), " ", h("span", null, t("The photo stays in this browser and is tried again then.")))),
      canNotify() && h("label.row", null, h("span", null, t("Tell me when it starts")), tell),
      h("div.acts", null, buttonOf(t("Give up"), () => work.cancel(photo)))));
  return { element, update() {
    setText(say, fullWords(work));
    setText(next, nextTry(photo));
    tell.checked = photo.notify;
  } };
}
