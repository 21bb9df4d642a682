// One photo, large, with what happens to it beside.
import { buttonOf, h, icon, setText } from "../lib/dom.js";
import { t } from "../lib/strings.js";
import { facts } from "../photos/words.js";
import { compareFigure } from "./compare.js";
import { doneSide } from "./done_side.js";
import { fileInput } from "./easel.js";
import { heldSide } from "./held_side.js";
import { liveFigure, plainFigure } from "./live_figure.js";
import { optionsForm } from "./options_form.js";
import { cancelledSide, failedSide, goneSide } from "./failed_side.js";
import { workingSide } from "./working_side.js";

/** Which print a photo has: two states with the same print change it in place. */
export function printKind(photo) {
  return { added: "added", next: "working", uploading: "working", waiting: "working", running: "working", held: "held", complete: "done", error: "error",
    cancelled: "cancelled", gone: "gone" }[photo.state];
}

function addedSide({ photo, list, work, options, onStart, onLeft }) {
  const form = optionsForm({ work, options, onSubmit: onStart });
  const remove = buttonOf(t("Remove this photo"), () => {
    onLeft(photo);
    work.drop(photo);
  }, { className: "quiet" });
  return { element: h("div", null, form.element, h("div.under", null, remove)),
    update: () => form.update({ photos: list.inState("added").length, title: t("What to do") }) };
}

const kPrints = {
  added: { figure: context => plainFigure(context, () => t("Original")), side: addedSide },
  working: { figure: liveFigure, side: workingSide },
  held: { figure: context => plainFigure(context, () => t("Held in this page, not sent yet")), side: heldSide },
  done: { figure: compareFigure, side: doneSide },
  error: { figure: context => plainFigure(context, () => t("Original, unchanged")), side: failedSide },
  cancelled: { figure: context => plainFigure(context, () => t("Original, unchanged")), side: cancelledSide },
  gone: { figure: context => plainFigure(context, () => ""), side: goneSide },
};

/** Contact sheet, previous and next; with one photo only: a way to add more. */
function ways({ photo, list, onFiles, onOpen, onSheet }) {
  const sheet = buttonOf(t("Contact sheet"), onSheet, { symbol: "i-back" });
  const step = (by, symbol, name) => buttonOf("", () => {
    const other = list.neighbour(photo, by);
    if (other) onOpen(other, { focus: symbol });
  }, { className: `btn square ${symbol}`, symbol, name });
  const before = step(-1, "i-back", t("Previous photo")), after = step(1, "i-next", t("Next photo"));
  const add = h("label.btn.add", null, fileInput(onFiles), icon("i-plus"), h("span", null, t("Add photos")));
  const element = h("nav.acts", { "aria-label": t("Photos") }, sheet, before, after, add);
  return { element, update() {
    const several = list.size > 1;
    for (const button of [sheet, before, after]) button.hidden = !several;
    add.hidden = several;
    before.disabled = !list.neighbour(photo, -1);
    after.disabled = !list.neighbour(photo, 1);
  } };
}

/** @param context {photo, list, work, options, notes, on…} */
export function printView(context) {
  const { photo, list, notes } = context;
  const kind = printKind(photo);
  const heading = h("h1.file", { tabIndex: -1, translate: "no" }, photo.name);
  const sub = h("p.sub");
  const navigation = ways(context);
  const figure = kPrints[kind].figure(context);
  const side = kPrints[kind].side(context);

  function update() {
    setText(sub, facts(photo, list.numberOf(photo), list.size));
    const main = document.getElementById("main");
    if (photo.width) {
      main.style.setProperty("--w", photo.width);
      main.style.setProperty("--h", photo.height);
    }
    navigation.update();
    figure.update();
    side.update();
  }
  update();
  return {
    state: kind,
    parts: [h("div.head.print-head", null, h("div", null, heading, sub), navigation.element),
      h("div.bench", null, h("div.stage", null, figure.element), h("aside.side", { "aria-label": t("Details") }, notes, side.element))],
    focus: what => {
      const button = what && navigation.element.querySelector(`.square.${what}:not(:disabled)`);
      (button ?? heading).focus();
    },
    update,
    destroy: () => figure.destroy?.(),
  };
}
