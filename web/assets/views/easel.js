// Nothing was laid down yet: the easel, the options, and a few old photographs to try.
import { h, setText } from "../lib/dom.js";
import { t } from "../lib/strings.js";
import * as format from "../lib/format.js";
import { address } from "../server/api.js";
import { kAccepted } from "../photos/intake.js";
import { optionsForm } from "./options_form.js";

const picture = name => address(`/restore/assets/pictures/${name}.jpg`);

const examples = () => [
  { file: "nagasaki_boats", title: t("Nagasaki"), when: t("about {year}", { year: 1865 }), name: t("Try: Boats, Nagasaki, about {year}", { year: 1865 }) },
  { file: "black_canyon", title: t("Black Canyon"), when: "1871", name: t("Try: Black Canyon, {year}", { year: 1871 }) },
  { file: "march_pastoral", title: t("March Pastoral"), when: "1888", name: t("Try: A March Pastoral, {year}", { year: 1888 }) },
  { file: "dust_bowl_home", title: t("Abandoned home"), when: t("about {year}", { year: 1938 }), name: t("Try: Abandoned home, about {year}", { year: 1938 }) },
];

/** An input for files that looks like what it stands in. Cleared after each choice, so that the same file can be chosen again. */
export function fileInput(onFiles, properties) {
  return h("input", { type: "file", multiple: true, accept: kAccepted, ...properties, onchange: event => {
    const files = [...event.target.files];
    event.target.value = "";
    onFiles(files);
  } });
}

function exampleSheet(onExample) {
  return h("section.examples", { "aria-labelledby": "examples-h" },
    h("h2", { id: "examples-h" }, t("No photograph at hand? Try one of these.")),
    h("ul.sheet.four", { role: "list" }, examples().map(({ file, title, when, name }, i) => h("li.frame", null,
      h("p.edge", { "aria-hidden": "true" }, h("i"), String(i + 1)),
      h("button.open", { type: "button", "aria-label": name, onclick: () => onExample(picture(file), `${file}.jpg`) },
        h("span.pic", null, h("img", { src: picture(file + "_small"), alt: "", width: 640, height: 427 }))),
      h("div.rebate", { "aria-hidden": "true" }, h("p", null, h("b", null, title), h("span", null, when)))))));
}

export function easelView({ work, options, onFiles, onExample, notes }) {
  const limits = h("ul.limits", { id: "limits", role: "list" });
  const form = optionsForm({ work, options, onSubmit: null });
  const heading = h("h1", { tabIndex: -1 }, t("Restore photographs"));
  const easel = h("section.easel", { "aria-labelledby": "easel-h" },
    h("img.latent", { src: picture("nagasaki_boats_small"), width: 640, height: 512, alt: "" }),
    ["a", "b", "c", "d"].map(corner => h(`i.blade.${corner}`)),
    h("div.easel-in", null,
      h("h2", { id: "easel-h" }, t("Lay your photographs here")),
      h("p.how", null, h("span.for-mouse", null, t("Drop them anywhere on this page, paste them, or")), h("span.for-touch", null, t("One or several, from your gallery or camera"))),
      h("label.btn.primary.pick", null, fileInput(onFiles, { id: "pick", "aria-describedby": "limits" }), h("span", null, t("Choose photos")))),
    limits);

  function update() {
    const info = work.info;
    const known = info ? [t("Up to {size}", { size: format.bytes(info.limits.bytes) }), t("Up to {n} megapixels", format.megapixels(info.limits.pixels)),
      t("{n} run at once", { n: info.limits.running })] : [];
    const lines = [t("JPEG, PNG, WebP, TIFF"), ...known];
    while (limits.children.length < lines.length) limits.append(h("li"));
    lines.forEach((line, i) => setText(limits.children[i], line));
    form.update({ title: t("What to do"), keeping: true });
  }
  update();
  return {
    state: "empty",
    parts: [h("div.head", null, heading), h("div.bench", null, h("div.stage", null, easel, notes),
      h("aside.side", { "aria-label": t("Details") }, form.element), exampleSheet(onExample))],
    focus: () => heading.focus(), update, destroy() {},
  };
}
