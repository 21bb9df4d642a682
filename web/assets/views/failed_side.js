// It did not become a print: what went wrong, and what can be done.
import { buttonOf, h, setText } from "../lib/dom.js";
import * as format from "../lib/format.js";
import { t } from "../lib/strings.js";
import { failureOf } from "../photos/failures.js";
import { deleteLine } from "./delete_line.js";
import { stageList } from "./stages.js";

const keptWords = photo => t("Your photo is kept for {n} hours", { n: format.hoursUntil(photo.expires) });

/** For a report to the host: nothing that a visitor has to understand. */
function forTheHost({ stage, source, error, id }) {
  const lines = [["stage", stage], ["source", source], ["code", error?.code], ["job", id], ["said", error?.text]];
  return h("details.inside", null, h("summary", null, t("For the person who runs the server")),
    h("pre", { translate: "no", tabIndex: 0, "aria-label": t("For the person who runs the server") }, lines.filter(([, value]) => value).map(([key, value]) => `${key.padEnd(9)}${value}`).join("\n")));
}

export function failedSide(context) {
  const { photo, work } = context;
  const failure = failureOf(photo);
  const stages = stageList(photo);
  const gone = deleteLine(context, () => keptWords(photo));
  const fixes = failure.fixes.map(({ label, options }, i) =>
    buttonOf(label, () => work.again(photo, options), { className: i ? "btn wide" : "btn primary wide", symbol: i ? null : "i-again" }));
  const element = h("section.status", { "aria-labelledby": "er-h" },
    h("div.s-a", null, h("h2.big", { id: "er-h" }, failure.title), h("p.say", null, failure.say),
      failure.advice && h("p.say", null, h("b", null, failure.advice)), fixes.length > 0 && h("div.acts.stack", null, fixes)),
    h("div.s-b", null, stages.element, forTheHost(photo)),
    h("div.s-c", null, gone.element));
  return { element, update() {
    stages.update();
    gone.update();
  } };
}

export function cancelledSide(context) {
  const { photo, work } = context;
  const gone = deleteLine(context, () => keptWords(photo));
  const element = h("section.status", { "aria-labelledby": "ca-h" },
    h("div.s-a", null, h("h2.big", { id: "ca-h" }, t("Cancelled")), h("p.say", null, t("You stopped this photo. The original is unchanged.")),
      h("div.acts.stack", null, buttonOf(t("Run again"), () => work.again(photo), { className: "btn primary wide", symbol: "i-again" }))),
    h("div.s-c", null, gone.element));
  return { element, update: () => gone.update() };
}

export function goneSide({ photo, work, onLeft }) {
  const say = h("p.say");
  const element = h("section.status", { "aria-labelledby": "go-h" },
    h("div.s-a", null, h("h2.big", { id: "go-h" }, t("Deleted")), say,
      h("div.acts", null, buttonOf(t("Remove this photo"), () => {
        onLeft(photo);
        work.drop(photo);
      }))));
  return { element, update: () => setText(say, work.info ? t("This result was deleted after {n} hours.", { n: work.info.keep_hours }) : t("This result was deleted.")) };
}
