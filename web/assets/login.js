// /login: asks for a token before any page but the photo page, which asks itself; then goes to where the visitor wanted to.
import { doorView } from "./views/door.js";
import { tools } from "./views/header.js";
import { address } from "./server/api.js";

/** A path of this server; its start page for anything else. The part after # never reaches a server: a browser keeps it over the redirect. */
function next() {
  const asked = new URLSearchParams(location.search).get("next") ?? "/";
  const there = new URL(asked, location.origin);
  return asked.startsWith("/") && there.origin === location.origin ? address(there.pathname + there.search + (there.hash || location.hash)) : address("/");
}

function show() {
  const view = doorView({ onOpen: () => location.replace(next()) });
  document.getElementById("main").replaceChildren(...view.parts);
  view.focus();
}

tools({ onLanguage: show });
show();
