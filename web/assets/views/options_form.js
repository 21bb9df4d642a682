// The options: one row a step, the whole row switches. They hold for photos that are started next.
import { h, setText } from "../lib/dom.js";
import { many, t } from "../lib/strings.js";
import * as format from "../lib/format.js";
import { remembered, remember } from "../lib/storage.js";
import { canDo } from "../photos/options.js";
import { stepsOf } from "../photos/photo.js";

const kMost = 100;  // strengths are shown from 1 to this

const limitsLine = info => t("Up to {size} and {n} megapixels each. {running} run at once.",
  { size: format.bytes(info.limits.bytes), ...format.megapixels(info.limits.pixels), running: info.limits.running });

const keptLine = info => t("Photos stay on this server. Results are deleted after {n} hours, or when you say so.", { n: info.keep_hours });

/** How a host gets the real colouriser. */
export function betterColours(label) {
  return h("details.better", null, h("summary", null, label),
    h("p", null, t("Whoever runs this server can fetch it:"), " ", h("code", { translate: "no" }, "darkroom models pull ddcolor")));
}

/**
 * @param onSubmit() "Restore n photos"; null where there is no such button
 */
export function optionsForm({ work, options, onSubmit }) {
  const set = change => {
    options.set(change, work.info);
    update();
  };
  const shown = () => options.shown(work.info);

  const toggle = step => h("input", { type: "checkbox", role: "switch", onchange: event => {
    const on = event.target.checked;
    set({ [step]: step in options.strengths ? (on ? options.strengths[step] : 0) : on });
  } });

  const row = (step, label) => {
    const input = toggle(step);
    const opt = h("div.opt", null, h("label.row", null, h("span", null, label), input));
    return { step, input, opt, update: values => { input.checked = Boolean(values[step]); } };
  };

  const withStrength = (step, label, warning = null) => {
    const made = row(step, label);
    const output = h("output");
    const range = h("input", { type: "range", min: 1, max: kMost, "aria-label": `${label}: ${t("Strength")}`, oninput: () => {
      setText(output, range.value);
      set({ [step]: range.value / kMost });
    } });
    const strength = h("div.strength", null, h("span", { "aria-hidden": "true" }, t("Strength")), range, output);
    const help = warning && h("p.help", null, warning);
    made.opt.append(...[strength, help].filter(Boolean));
    return { ...made, update: values => {
      made.update(values);
      strength.hidden = !(values[step] > 0);
      if (help) help.hidden = strength.hidden;
      range.value = Math.round((values[step] || options.strengths[step]) * kMost);
      setText(output, range.value);
    } };
  };

  const colour = row("colorize", t("Colourise"));
  const colourHelp = h("div");
  colour.opt.append(colourHelp);

  const factors = [1, 2, 4].map(factor => ({ factor, input: h("input", { type: "radio", name: "upscale", onchange: () => set({ upscale: factor }) }) }));
  const upscale = { step: "upscale", opt: h("fieldset.opt.row", null, h("legend", null, t("Upscale")),
    h("div.seg", null, factors.map(({ factor, input }) => h("label", null, input, h("span", null, `${factor}×`))))),
  update: values => { for (const { factor, input } of factors) input.checked = values.upscale === factor; } };

  const scratchWarning = t("Thin straight things, as ropes and poles, may be taken for scratches.");
  const rows = [colour, withStrength("denoise", t("Denoise")), withStrength("scratch", t("Repair scratches"), scratchWarning), upscale, withStrength("sharpen", t("Sharpen"))];
  const place = h("input", { type: "checkbox", role: "switch", "aria-describedby": "place-why", onchange: event => set({ keep_gps: event.target.checked }) });
  const more = h("details.more", { open: remembered("more options", false), ontoggle: () => remember("more options", more.open) },
    h("summary", null, t("More options")),
    h("label.row", null, h("span", null, t("Keep where it was taken")), place),
    h("p.help", { id: "place-why" }, t("A photo's file may say where it was taken, often to the house. The result does not, unless you switch this on.")));
  const heading = h("h2", { id: "options-h" });
  const button = onSubmit && h("button.btn.primary", { type: "submit" });
  const why = h("p.help.why", { id: "options-why" });
  const help = h("p.help.keep");
  const element = h("form.options", { "aria-labelledby": "options-h", onsubmit: event => {
    event.preventDefault();
    if (!button?.hasAttribute("aria-disabled")) onSubmit?.();
  } }, heading, rows.map(({ opt }) => opt), more, button, why, help);
  button?.setAttribute("aria-describedby", "options-why");

  let colourState = null;
  const updateColour = () => {
    const models = work.info?.models?.colorize ?? [];
    const state = JSON.stringify([models, options.model]);
    if (state === colourState) return;
    colourState = state;
    colour.input.disabled = models.length === 0;
    colour.opt.classList.toggle("off", models.length === 0);
    const parts = [];
    if (models.length === 0) parts.push(h("p.help", null, t("No colouriser is installed on this server. The other steps work.")), betterColours(t("How to get colours")));
    else if (models.every(({ demonstration }) => demonstration)) parts.push(h("p.help", null, t("Small demonstration model in use.")), betterColours(t("Get better colours with DDColor")));
    if (models.length > 1) {
      parts.push(h("label.strength", null, h("span", null, t("Model")), h("select", { onchange: event => { options.model = event.target.value; } },
        models.map(({ name }) => h("option", { value: name, selected: name === options.model }, name)))));
    }
    colourHelp.replaceChildren(...parts);
  };

  let count = 0;
  function update() {
    const values = shown();
    updateColour();
    place.checked = values.keep_gps;
    for (const { step, opt, update: updateRow } of rows) {
      opt.hidden = step !== "colorize" && !canDo(work.info, step);
      updateRow(values);
    }
    if (button) {
      button.hidden = count === 0;
      setText(button, many(count, "Restore {n} photo", "Restore {n} photos"));
      const nothing = stepsOf(values).length === 0;
      button.toggleAttribute("aria-disabled", nothing);
      if (nothing) button.setAttribute("aria-disabled", "true");
      setText(why, nothing && count ? t("Switch on at least one step.") : "");
    }
  }

  return {
    element,
    /** @param how many photos the button starts; `keeping`: tell how long results are kept instead of the limits */
    update({ photos = 0, title, keeping = false }) {
      count = photos;
      setText(heading, title);
      if (work.info) setText(help, keeping ? keptLine(work.info) : limitsLine(work.info));
      update();
    },
  };
}
