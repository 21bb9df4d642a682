// The words of the page. The English text is the key; zh.js has the Chinese. `{name}` stands for a value.
import { remembered, remember } from "./storage.js";
import { zh } from "./zh.js";

const kLanguages = ["en", "zh"];

function firstLanguage() {
  const asked = new URLSearchParams(location.search).get("lang") ?? remembered("lang");
  if (kLanguages.includes(asked)) return asked;
  return navigator.languages?.find(l => /^(en|zh)\b/i.test(l))?.slice(0, 2).toLowerCase() ?? "en";
}

let current = firstLanguage();
document.documentElement.lang = current === "zh" ? "zh-Hans" : "en";

export const language = () => current;

/** For times of day: as the browser's user writes them, in the language of the page. */
export const locale = () => navigator.languages?.find(l => l.toLowerCase().startsWith(current)) ?? current;

export function setLanguage(to) {
  current = to;
  remember("lang", to);
  document.documentElement.lang = to === "zh" ? "zh-Hans" : "en";
}

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (hole, key) => values?.[key] ?? hole);

export function t(english, values) {
  return fill(current === "zh" ? zh[english] ?? english : english, values);
}

/** English has one form for one and another for more; Chinese is under the second. */
export function many(n, one, more, values) {
  return current === "en" && n === 1 ? fill(one, { n, ...values }) : t(more, { n, ...values });
}

const kOrdinals = new Intl.PluralRules("en", { type: "ordinal" });
const kEndings = { one: "st", two: "nd", few: "rd", other: "th" };

/** 3 → "3rd"; in Chinese the words around it do it. */
export const ordinal = n => (current === "en" ? `${n}${kEndings[kOrdinals.select(n)]}` : `${n}`);

/** Words in the order of the language, "a, b" or "a，b". */
export const list = parts => parts.filter(Boolean).join(current === "zh" ? "，" : ", ");
