// Which view is shown: the door, the easel, the contact sheet, or one photo (`#` and its id in the address).
import { say } from "./lib/live_region.js";
import { t } from "./lib/strings.js";
import { contactSheet } from "./views/contact_sheet.js";
import { doorView } from "./views/door.js";
import { easelView } from "./views/easel.js";
import { printKind, printView } from "./views/print.js";

/** Shows one view at a time; the same view is changed in place, another one takes its place and the focus. */
export class App {
  #view = null;
  #name = null;       // which view it is
  #photo = null;      // the photo in view
  #queued = false;
  #focusOn = undefined;  // what gets the focus in the next view, when the visitor went there

  /** @param context what the views are given: list, work, options, notes, on… */
  constructor(context) {
    this.context = { ...context, onOpen: (photo, how) => this.open(photo, how), onSheet: () => this.showSheet(), onLeft: photo => this.#leave(photo) };
    this.main = document.getElementById("main");
    this.closed = false;
    context.list.addEventListener("change", () => this.soon());
    context.work.addEventListener("info", () => this.soon());
    addEventListener("hashchange", () => {
      if (location.hash !== "#main") this.#focusOn ??= null;  // the skip link stays in its view
      this.soon();
    });
  }

  get photoInView() { return this.#photo?.key ?? null; }

  open(photo, { focus = null } = {}) {
    this.#focusOn = focus;
    location.hash = photo.id;
    this.soon();
  }

  showSheet() {
    this.#focusOn = this.#photo?.key ?? null;
    this.#photo = null;
    history.pushState(null, "", location.pathname + location.search);
    this.soon();
  }

  /** Everything once more, in another language. */
  rebuild() {
    this.#name = null;
    this.soon();
  }

  /** Many changes of one moment are drawn once. */
  soon() {
    if (this.#queued) return;
    this.#queued = true;
    // A page in the background gets no frames: it is drawn all the same, for its title and for who comes back.
    if (document.hidden) setTimeout(() => this.#draw(), 250);
    else requestAnimationFrame(() => this.#draw());
  }

  /** Out of a photo that is about to go: to its neighbour, or to the sheet. `stay()` undoes it. */
  #leave(photo) {
    const { list } = this.context;
    const next = list.neighbour(photo, 1) ?? list.neighbour(photo, -1);
    if (next && list.size > 2) this.open(next);
    else this.showSheet();
    return { stay: () => this.open(photo) };
  }

  #photoOfAddress() {
    const { list } = this.context;
    const named = list.byId(location.hash.slice(1));
    if (named) return named;
    // Run again, it has another id: it stays in view.
    if (this.#photo && list.byKey(this.#photo.key) && location.hash) {
      history.replaceState(null, "", "#" + this.#photo.id);
      return this.#photo;
    }
    return list.size === 1 ? list.all[0] : null;
  }

  #draw() {
    this.#queued = false;
    const { list } = this.context;
    const photo = this.closed ? null : this.#photoOfAddress();
    this.#photo = photo;
    const name = this.closed ? "door" : photo ? `${photo.key} ${printKind(photo)}` : list.size ? "sheet" : "empty";
    if (name !== this.#name) this.#show(name, photo);
    else {
      this.#view.update();
      this.#focusOn = undefined;
    }
    this.#showTitle(photo);
  }

  #show(name, photo) {
    const context = { ...this.context, photo };
    const hadFocus = this.main.contains(document.activeElement) && document.activeElement !== this.main;
    this.#view?.destroy();
    this.main.style.removeProperty("--w");
    this.main.style.removeProperty("--h");
    const view = name === "door" ? doorView({ onOpen: this.context.onDoorOpen }) : photo ? printView(context) : name === "sheet" ? contactSheet(context) : easelView(context);
    document.body.dataset.state = view.state;
    this.main.classList.toggle("printing", Boolean(photo));
    this.main.replaceChildren(...view.parts);
    this.#view = view;
    const first = this.#name === null;
    this.#name = name;
    view.update();
    const went = this.#focusOn !== undefined;
    if (went) scrollTo(0, 0);
    if (went || (hadFocus && !first) || name === "door") view.focus(this.#focusOn ?? null);
    this.#focusOn = undefined;
  }

  #showTitle(photo) {
    const title = t("Restore photographs · Darkroom");
    const running = photo?.state === "running" ? photo : this.context.list.inState("running")[0];
    const done = this.context.list.inState("complete").filter(other => !other.seen).length;
    const news = running ? `${Math.round(running.progress)} % · ` : done ? `(${done}) ` : "";
    if (document.title !== news + title) document.title = news + title;
  }

  showDoor(closed) {
    if (this.closed === closed) return;
    this.closed = closed;
    if (closed) say(t("The door is closed"));
    this.soon();
  }
}
