// The print is finished: take it, use it again, see how it was made, delete it.
import { buttonOf, h, setText } from "../lib/dom.js";
import * as format from "../lib/format.js";
import { list as joined, t } from "../lib/strings.js";
import { stepsOf } from "../photos/photo.js";
import { stepName } from "../photos/words.js";
import { downloads } from "./downloads.js";
import { deleteLine } from "./delete_line.js";
import { betterColours } from "./options_form.js";

function stepsInWords(photo) {
  const words = joined(stepsOf(photo.options).map((step, i) => {
    const name = stepName(step, photo.options);
    return i ? name.charAt(0).toLowerCase() + name.slice(1) : name;
  }));
  return words || "–";
}

export function doneSide(context) {
  const { photo, work, onUseAsInput } = context;
  const values = {};
  const row = (key, label, more = null) => {
    values[key] = h("span");
    return h("div", null, h("dt", null, label), h("dd", null, values[key], more));
  };
  const coloured = stepsOf(photo.options).includes("colorize");
  const guess = coloured
    ? h("p.guess", null, h("b", null, t("AI-made: colours are a guess.")), " ", h("span", null, t("The real ones may have been different.")))
    : h("p.guess", null, h("b", null, t("AI-made: details are a guess.")), " ", h("span", null, t("Parts of it were never in the photo.")));
  const demonstration = () => (work.info?.models?.colorize ?? []).some(({ name, demonstration: demo }) => name === photo.model && demo);
  const better = betterColours(t("Get better colours with DDColor"));
  const gone = deleteLine(context, () => t("Deleted in {n} hours", { n: format.hoursUntil(photo.expires) }));
  const use = buttonOf(t("Use as input"), async () => {
    use.disabled = true;
    await onUseAsInput(photo);
    use.disabled = false;
  }, { className: "btn wide" });
  const files = downloads(photo);
  const element = h("section.status", { "aria-labelledby": "dn-h" },
    h("div.s-a", null, h("h2.big", { id: "dn-h" }, t("Finished")), guess, files.element, use),
    h("div.s-b", null, h("dl.made", null, row("steps", t("Steps")), row("size", t("Size")), row("time", t("Time")), row("model", t("Model"), better))),
    h("div.s-c", null, gone.element));

  return { element, update() {
    setText(values.steps, stepsInWords(photo));
    setText(values.size, photo.result?.width ? format.size(photo.result.width, photo.result.height) : "–");
    setText(values.time, photo.ended && photo.started ? format.duration((photo.ended - photo.started) / 1000) : "–");
    setText(values.model, demonstration() ? t("Small demonstration model") : photo.model ?? "");
    values.model.parentElement.parentElement.hidden = !photo.model;
    better.hidden = !demonstration();
    files.update();
    gone.update();
  } };
}
