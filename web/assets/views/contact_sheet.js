// All photos as frames of a film.
import { buttonOf, h, icon, setText } from "../lib/dom.js";
import { list as joined, many, t } from "../lib/strings.js";
import { isAtWork } from "../photos/photo.js";
import { confirmIn } from "./confirm.js";
import { fileInput } from "./easel.js";
import { frame } from "./frame.js";
import { optionsForm } from "./options_form.js";

function summary(list) {
  const finished = list.inState("complete").length, failed = list.inState("error").length;
  const photos = many(list.size, "{n} photo", "{n} photos");
  if (!finished && !failed) return joined([photos, t("none finished yet")]);
  return joined([photos, t("{n} finished", { n: finished }), failed > 0 && t("{n} failed", { n: failed })]);
}

export function contactSheet({ list, work, options, onFiles, onStart, onOpen, onSave, notes }) {
  const heading = h("h1", { tabIndex: -1 }, t("Contact sheet"));
  const sub = h("p.sub");
  const saveAll = buttonOf(t("Download finished"), () => list.inState("complete").forEach(onSave));
  const stopAll = buttonOf(t("Cancel all"), () => {
    const count = list.all.filter(photo => isAtWork(photo) || photo.state === "added").length;
    confirmIn(acts, { question: many(count, "Cancel {n} photo?", "Cancel all {n} photos?"), yes: t("Cancel all"), no: t("Carry on"), button: stopAll, onYes: () => work.cancelAll() });
  });
  const acts = h("div.acts.asks", null, saveAll, stopAll);

  const number = h("span");
  const add = h("li.frame.add", null, h("p.edge", { "aria-hidden": "true" }, h("i"), number),
    h("label.open", null, fileInput(onFiles), h("span.pic", null, icon("i-plus"), h("span", null, t("Add photos")))),
    h("div.rebate", { "aria-hidden": "true" }, h("p.for-mouse", null, h("span", null, t("drop or paste")))));
  const sheet = h("ul.sheet", { role: "list", "aria-label": t("Photos") }, add);
  const form = optionsForm({ work, options, onSubmit: onStart });
  const frames = new Map();  // key → frame

  function update() {
    const all = list.all;
    for (const [key, made] of frames) {
      if (list.byKey(key)) continue;
      const had = made.element.contains(document.activeElement);
      const next = made.element.nextElementSibling ?? add;
      made.element.remove();
      frames.delete(key);
      if (had) (next.querySelector(".open input, .open") ?? heading).focus();
    }
    all.forEach((photo, i) => {
      if (!frames.has(photo.key)) frames.set(photo.key, frame({ photo, work, onOpen, onSave }));
      const made = frames.get(photo.key);
      made.update(i + 1);
      if (sheet.children[i] !== made.element) sheet.insertBefore(made.element, sheet.children[i]);
    });
    setText(number, String(all.length + 1));
    setText(sub, summary(list));
    saveAll.hidden = list.inState("complete").length === 0;
    stopAll.hidden = !all.some(isAtWork);
    const added = list.inState("added").length;
    form.update({ photos: added, title: added ? t("What to do") : t("For the next photos") });
  }
  update();
  return {
    state: "sheet",
    parts: [h("div.head", null, h("div", null, heading, sub), acts),
      h("div.bench", null, h("div.stage", null, notes, sheet), h("aside.side", { "aria-label": t("Details") }, form.element))],
    focus: key => (frames.get(key)?.element.querySelector(".open") ?? heading).focus(), update, destroy() {},
  };
}
