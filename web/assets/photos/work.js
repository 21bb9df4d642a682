// What a visitor does with photos: adds, starts, cancels, runs again, deletes. Sending is the Sender's, following the Watcher's business.
//
// Lives as long as the page. start() brings back what the server and this browser remember. Events: `info` (what the server can do has arrived or
// changed), `closed` (it asks for a login), `open` (what was there before has been brought back), `other_user` (somebody else has logged in: nothing goes
// on), `refused` with `detail` [{name, why}], `trouble` with `detail` (words about what did not succeed).
import * as api from "../server/api.js";
import { t } from "../lib/strings.js";
import { remembered, remember } from "../lib/storage.js";
import { lookAt, refusalOf, tooManyPixels } from "./intake.js";
import * as keptFiles from "./kept_files.js";
import { fresh, isAtWork, photoOfFile, photoOfJob } from "./photo.js";
import { Sender } from "./sender.js";
import { Watcher } from "./watcher.js";

const kInfoEvery = 15_000;           // ms
const kAskAgainWhenOffline = 3_000;  // ms

/** Name of who has logged in; null where nobody can. */
const userOf = info => (info?.user?.can_sign_out ? info.user.name : null);

export class Work extends EventTarget {
  info = null;
  #watcher;
  #sender;
  #infoTimer = 0;
  #started = false;     // what was there before has been brought back

  constructor(list, connection) {
    super();
    Object.assign(this, { list, connection });
    const onClosed = () => this.#closed();
    this.#watcher = new Watcher(list, connection, { onTurn: photo => this.#turned(photo), onClosed });
    this.#sender = new Sender({ list, connection, watcher: this.#watcher, onTurn: () => this.refreshInfo(), onClosed });
    connection.addEventListener("retry", () => this.refreshInfo());
    document.addEventListener("visibilitychange", () => !document.hidden && this.refreshInfo());
  }

  /** Brings back what was there before a reload, or before the login. Where nobody answers it is tried again. */
  start() { return this.refreshInfo(); }

  async #bringBack() {
    this.#watcher.open();
    const [jobs, kept] = [await this.#try(() => api.jobs()), await keptFiles.takeKept()];
    const seen = new Set(remembered("seen", []));
    const known = new Set(this.list.all.map(photo => photo.id));
    const found = (jobs ?? []).filter(job => !known.has(job.job_id)).map(job => ({ ...photoOfJob(job), seen: seen.has(job.job_id) }));
    for (const photo of kept) {
      if (this.list.byKey(photo.key)) continue;
      const sent = found.find(other => other.id === photo.id && other.state !== "uploading");
      if (sent) {
        keptFiles.drop(photo);
        continue;
      }
      const interrupted = found.findIndex(other => other.id === photo.id);
      if (interrupted >= 0) found.splice(interrupted, 1);
      found.push({ ...photoOfFile(photo.file, photo), ...photo });
    }
    if (found.length) this.list.add(...found);
    if (jobs) remember("seen", [...seen].filter(id => jobs.some(job => job.job_id === id)));
    for (const photo of found) if (photo.file) this.#measure(photo);
    for (const photo of this.list.inState("uploading", "waiting", "running")) {
      this.#watcher.watch(photo);
      if (known.has(photo.id) && !this.#sender.isSending(photo)) this.#watcher.askAbout(photo);  // it may have ended while the door was closed
    }
    this.#sender.sendNext();
  }

  async refreshInfo() {
    let info = null;
    try {
      info = await api.info();
    } catch (error) {
      if (error.closed) return this.#closed();
    }
    this.connection.report("info", info !== null);
    clearTimeout(this.#infoTimer);
    this.#infoTimer = setTimeout(() => !document.hidden && this.refreshInfo(), this.connection.lost ? kAskAgainWhenOffline : kInfoEvery);
    if (!info) return;
    const before = userOf(this.info), user = userOf(info);
    if (before && before !== user) return this.#otherUser();
    keptFiles.keepFor(user);
    this.info = info;
    this.dispatchEvent(new Event("info"));
    if (this.#started) return;
    this.#started = true;
    await this.#bringBack();
    if (this.#started) this.dispatchEvent(new Event("open"));
  }

  #otherUser() {
    clearTimeout(this.#infoTimer);
    this.dispatchEvent(new Event("other_user"));
  }

  // ---- adding

  /** Takes files; those that can't be are named with the reason. */
  async add(files, { name = undefined } = {}) {
    const refused = [], taken = [];
    for (const file of files) {
      const why = refusalOf(file, this.info?.limits);
      if (why) refused.push({ name: file.name || t("A file"), why });
      else taken.push(photoOfFile(file, name && { name }));
    }
    if (taken.length) this.list.add(...taken);
    if (refused.length) this.dispatchEvent(new CustomEvent("refused", { detail: refused }));
    for (const photo of taken) keptFiles.keep(photo);
    for (const photo of taken) {
      const why = await this.#measure(photo);
      if (!why) continue;
      this.drop(photo);
      this.dispatchEvent(new CustomEvent("refused", { detail: [{ name: photo.name, why }] }));
    }
    return taken;
  }

  async #measure(photo) {
    const facts = await lookAt(photo);
    this.list.update(photo, facts);
    return tooManyPixels(facts, this.info?.limits);
  }

  // ---- starting

  /** Everything that was added goes to the server with these options. */
  restoreAll(options) {
    for (const photo of this.list.inState("added")) {
      this.list.update(photo, { state: "next", options: { ...options } });
      keptFiles.keep(photo);
    }
    this.#sender.sendNext();
  }

  #turned(photo) {
    // The server has refused what is still being sent.
    if (["error", "cancelled"].includes(photo.state) && this.#sender.isSending(photo)) this.#sender.abort();
    this.refreshInfo();
  }

  /** Messages in the other language from now on. */
  changeLanguage() { this.#watcher.changeLanguage(); }

  // ---- ending

  async cancel(photo) {
    if (this.#sender.isSending(photo)) {
      this.list.update(photo, { state: "cancelled", attempted: false, ended: Date.now() });
      keptFiles.drop(photo);
      this.#sender.cancel(photo);
    } else if (["next", "held"].includes(photo.state)) {
      this.list.update(photo, { state: "cancelled", attempted: false, ended: Date.now() });
      keptFiles.drop(photo);
    } else if (["waiting", "running"].includes(photo.state)) {
      this.list.update(photo, { cancelling: true });
      // By the socket where there is one: DELETE would delete a result that came in this very moment.
      if (this.#watcher.cancel(photo)) return;
      try {
        await api.remove(photo.id);
        this.#watcher.askAbout(photo);
      } catch (error) {
        if (!error.offline) this.list.update(photo, { cancelling: false });  // else it is said when the stream is back
      }
    }
  }

  cancelAll() {
    for (const photo of this.list.all.filter(isAtWork)) this.cancel(photo);
    for (const photo of this.list.inState("added")) this.drop(photo);
  }

  /** Out of the page; nothing of it is on the server. */
  drop(photo) {
    keptFiles.drop(photo);
    this.list.remove(photo);
  }

  /** Deletes an ended photo and its result for good. False when that did not succeed. */
  async forget(photo) {
    if (photo.attempted && photo.state !== "gone") {
      try {
        await api.remove(photo.id);
      } catch (error) {
        if (error.closed) {
          this.#closed();
          return false;
        }
        if (error.status !== 404) {
          this.#trouble(t("{file} could not be deleted. Try again when you are back online.", { file: photo.name }));
          return false;
        }
      }
    }
    this.drop(photo);
    return true;
  }

  /** The same photo once more, in its place on the sheet. */
  async again(photo, options = null) {
    const file = photo.file ?? (await this.#fetched(api.originalAddress(photo.id)));
    if (!file) return;
    const old = photo.attempted ? photo.id : null;
    this.list.update(photo, { ...fresh(photo), file, ...(options && { options }) });
    keptFiles.keep(photo);
    if (old) api.remove(old).catch(() => {});
    this.#sender.sendNext();
  }

  /** The result becomes a new photo of the sheet. */
  async useAsInput(photo, name) {
    const file = await this.#fetched(api.resultAddress(photo.result.url));
    return file ? (await this.add([new File([file], name, { type: file.type })]))[0] ?? null : null;
  }

  markSeen(photo) {
    if (photo.state !== "complete" || photo.seen) return;
    remember("seen", [...new Set([...remembered("seen", []), photo.id])]);
    this.list.update(photo, { seen: true });
  }

  /** Deleted by age while it was looked at. */
  markGone(photo) { this.list.update(photo, { state: "gone" }); }

  async #fetched(from) {
    const blob = await this.#try(() => api.blob(from));
    if (!blob && this.#started) this.#trouble(t("The server could not be reached. Try again when you are back online."));
    return blob;
  }

  async #try(ask) {
    try {
      return await ask();
    } catch (error) {
      if (error.closed) this.#closed();
      return null;
    }
  }

  /** Ends the login; nothing of the user stays in this browser. False when that did not succeed. */
  async signOut() {
    try {
      await api.signOut();
    } catch {
      this.#trouble(t("The server could not be reached. Try again when you are back online."));
      return false;
    }
    await keptFiles.dropAll();
    return true;
  }

  #closed() {
    clearTimeout(this.#infoTimer);
    this.#started = false;
    this.#watcher.close();
    this.connection.report("info", true);  // it is there, and says no
    this.dispatchEvent(new Event("closed"));
  }

  #trouble(words) { this.dispatchEvent(new CustomEvent("trouble", { detail: words })); }
}
