// The result as a file: PNG at once, the other forms behind the arrow, and the photo as it was beside the result.
import { h, icon, setText } from "../lib/dom.js";
import { besideName, resultName } from "../lib/files.js";
import * as format from "../lib/format.js";
import { t } from "../lib/strings.js";
import { besideAddress, resultAddress } from "../server/api.js";

const kForms = [["png", "PNG, full size"], ["jpeg", "JPEG, full size"], ["webp", "WebP, full size"]];

const kBeside = [["png", "PNG"], ["jpeg", "JPEG"], ["webp", "WebP"]];

const link = (photo, form, ...content) => h("a", { href: resultAddress(photo.result.url, form === "png" ? null : form), download: resultName(photo, form) }, ...content);

const besideLink = (photo, [form, words]) => h("a", { href: besideAddress(photo.id, form), download: besideName(photo, form),
  "aria-label": t("Before and after, side by side: {form}", { form: words }) }, words);

export function downloads(photo) {
  const bytes = h("i");
  const list = h("ul.pop", { id: "formats", hidden: true },
    kForms.map(([form, words]) => h("li", null, link(photo, form, h("span", null, t(words)), form === "png" && bytes))),
    h("li.beside", null, h("span", null, t("Before and after, side by side")), h("span.forms", null, kBeside.map(form => besideLink(photo, form)))),
    h("li.note", null, t("Each file says in its metadata that it is AI-made.")));
  const more = h("button.btn.primary.square", { type: "button", "aria-expanded": "false", "aria-controls": "formats", "aria-label": t("Other downloads") }, icon("i-down"));
  const first = link(photo, "png", t("Download PNG"));
  first.className = "btn primary";
  const element = h("div.split", null, first, more, list);

  const open = on => {
    list.hidden = !on;
    more.setAttribute("aria-expanded", on);
  };
  more.addEventListener("click", () => {
    open(list.hidden);
    if (!list.hidden) list.querySelector("a").focus();
  });
  element.addEventListener("keydown", event => {
    if (event.key !== "Escape" || list.hidden) return;
    open(false);
    more.focus();
  });
  element.addEventListener("focusout", event => event.relatedTarget && !element.contains(event.relatedTarget) && open(false));
  return { element, update: () => setText(bytes, photo.result?.bytes ? format.bytes(photo.result.bytes) : "") };
}
