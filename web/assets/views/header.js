// The line at the top: how busy the server is, the language, the light. And the words of the HTML file in the present language.
import { h, setText } from "../lib/dom.js";
import { language, setLanguage, t } from "../lib/strings.js";
import { switchTheme } from "../lib/theme.js";

const byId = id => document.getElementById(id);

const kTitle = document.title;  // as the file has it

function translateFixedWords() {
  for (const element of document.querySelectorAll("[data-t]")) {
    element.dataset.t ||= element.textContent;
    setText(element, t(element.dataset.t));
  }
  for (const element of document.querySelectorAll("[data-t-label]")) element.setAttribute("aria-label", t(element.dataset.tLabel));
  document.title = t(kTitle);
  const other = language() === "zh" ? ["en", "English"] : ["zh", "中文"];
  const button = byId("lang");
  button.lang = other[0];
  button.textContent = other[1];
}

/** The tools that every page has: its light and its language. */
export function tools({ onLanguage }) {
  byId("theme").addEventListener("click", switchTheme);
  byId("lang").addEventListener("click", () => {
    setLanguage(language() === "zh" ? "en" : "zh");
    translateFixedWords();
    onLanguage();
  });
  translateFixedWords();
}

export function header({ work, onHome, onLanguage, onSignOut }) {
  const load = byId("load");
  const showLoad = () => {
    const { running, limits, user } = work.info ?? {};
    load.hidden = running === undefined || !limits?.running;
    if (!load.hidden) setText(load, t("{n} of {all} running", { n: running, all: limits.running }));
    byId("sign-out").hidden = !user?.can_sign_out;
  };
  byId("sign-out").addEventListener("click", onSignOut);
  document.querySelector(".mark").addEventListener("click", event => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    onHome();
  });
  work.addEventListener("info", showLoad);
  tools({
    onLanguage: () => {
      showLoad();
      onLanguage();
    },
  });
  return { hideLoad: () => { load.hidden = true; byId("sign-out").hidden = true; } };
}

/** The slim bar while the server can't be reached. It goes by itself. */
export function netBar(connection) {
  const show = () => {
    const bar = byId("net");
    if (connection.state === "there") return bar.replaceChildren();
    const long = connection.state === "long_lost";
    bar.replaceChildren(h("div.net", null, h("p", null,
      h("b", null, long ? t("Still trying") : t("Reconnecting")), " ", h("span", null, t("Your photos carry on.")),
      long && h("button.quiet", { type: "button", onclick: () => connection.retryNow() }, t("Retry now")))));
  };
  connection.addEventListener("change", show);
  return { show };
}
