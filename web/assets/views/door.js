// The server asks for an access token.
import { h, setText } from "../lib/dom.js";
import { t } from "../lib/strings.js";
import { address, signIn } from "../server/api.js";

/** What the server says to a token that it does not take. */
function why(error) {
  if (error.closed) return t("That token is not known here, or its time is over.");
  if (error.offline) return t("The server could not be reached. Try again when you are back online.");
  return t("The server could not look at the token. Try again a little later.");
}

/** @param onOpen() after the server took the token */
export function doorView({ onOpen }) {
  const input = h("input", { id: "token", name: "token", type: "password", autocomplete: "current-password", spellcheck: "false", autocapitalize: "off",
    "aria-describedby": "token-help token-wrong" });
  const show = h("button.quiet", { type: "button", "aria-pressed": "false", onclick: () => {
    const on = input.type === "password";
    input.type = on ? "text" : "password";
    show.setAttribute("aria-pressed", on);
  } }, t("Show"));
  const wrong = h("p.wrong", { id: "token-wrong", role: "alert" });
  const button = h("button.btn.primary", { type: "submit" }, t("Open the door"));

  const submit = async event => {
    event.preventDefault();
    const token = input.value.trim();
    setText(wrong, token ? "" : t("Type or paste the token first."));
    if (!token) return input.focus();
    button.disabled = true;
    try {
      await signIn(token);
      onOpen();
    } catch (error) {
      setText(wrong, why(error));
      input.setAttribute("aria-invalid", error.closed);
      input.select();
    } finally {
      button.disabled = false;
    }
  };

  const bench = h("section.door", { "aria-labelledby": "door-h" },
    h("div.door-pic", null, h("img", { src: address("/restore/assets/pictures/airplane.jpg"), width: 1024, height: 717, alt: "" })),
    h("div.door-form", null,
      h("h1", { id: "door-h", tabIndex: -1 }, t("The door is closed")),
      h("p.lead", null, t("This server asks for an access token. Whoever runs it can give you one.")),
      h("form.token", { onsubmit: submit, novalidate: true },
        h("label", { for: "token" }, t("Access token")),
        h("div.field", null, input, show),
        h("p.help", { id: "token-help" }, t("It stays in this browser until you sign out.")),
        wrong, button)));
  return { state: "login", parts: [bench], focus: () => input.focus(), update() {}, destroy() {} };
}
