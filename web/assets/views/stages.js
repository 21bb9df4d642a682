// The six stages with a dot, a tick or a cross each, and under Develop one line a step.
import { h, setAttribute, setText } from "../lib/dom.js";
import * as format from "../lib/format.js";
import { t } from "../lib/strings.js";
import { stepsOf } from "../photos/photo.js";
import { stepName } from "../photos/words.js";

const kStages = ["upload", "preprocess", "load_model", "inference", "postprocess", "complete"];
const names = () => ({ upload: t("Upload"), preprocess: t("Prepare"), load_model: t("Load model"), inference: t("Develop"), postprocess: t("Finish"), complete: t("Complete") });

const seconds = time => (time?.from && time.to ? format.duration((time.to - time.from) / 1000) : "");

function line(name) {
  const label = h("span", null, name), note = h("i");
  const element = h("li", null, label, note);
  return { element, show(state, words) {
    setAttribute(element, "data-s", state);
    setAttribute(element, "aria-current", state === "now" ? "step" : null);
    setText(note, words);
  } };
}

/** Where the photo stands: the index of its stage, and how the lines before and after look. */
function standing(photo) {
  if (photo.state === "complete") return kStages.length;
  if (["next", "uploading"].includes(photo.state)) return 0;
  if (photo.state === "waiting") return 0.5;  // uploaded, not begun
  return Math.max(0, kStages.indexOf(photo.stage));
}

function ofStep(photo, step, steps) {
  const time = photo.times[`inference/${step}`];
  const bad = photo.state === "error";
  const at = steps.indexOf(photo.source);
  if (photo.stage !== "inference") return kStages.indexOf(photo.stage) > 3 || photo.state === "complete" ? ["done", seconds(time)] : [null, ""];
  if (steps.indexOf(step) < at) return ["done", seconds(time)];
  if (step !== photo.source) return [null, ""];
  const percent = photo.stepProgress ?? (photo.tiles ? (100 * photo.tile) / photo.tiles : null);
  if (bad) return ["bad", percent === null ? t("stopped") : t("stopped at {n} %", { n: Math.round(percent) })];
  return ["now", percent === null ? "" : format.percent(percent)];
}

/** @param until the stage at which a failed photo stopped is the last one shown */
export function stageList(photo) {
  const lines = kStages.map(stage => ({ stage, ...line(names()[stage]) }));
  const steps = stepsOf(photo.options);
  const stepLines = steps.map(step => ({ step, ...line(stepName(step, photo.options)) }));
  if (steps.length) lines[3].element.append(h("ol", { role: "list" }, stepLines.map(({ element }) => element)));
  const element = h("ol.stages", { role: "list" }, lines.map(made => made.element));
  return { element, update() {
    const at = standing(photo);
    const failed = photo.state === "error";
    lines.forEach(({ stage, element: item, show }, i) => {
      const state = i < at ? "done" : i > at ? null : failed ? "bad" : "now";
      const uploading = stage === "upload" && photo.state === "uploading";
      show(state, uploading ? format.percent(photo.uploaded * 100) : state === "bad" && stage !== "inference" ? t("stopped") : state === "done" ? seconds(photo.times[stage]) : "");
      item.hidden = failed && i > at;
    });
    for (const { step, show } of stepLines) show(...ofStep(photo, step, steps));
  } };
}
