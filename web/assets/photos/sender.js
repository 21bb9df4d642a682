// Sends photos, one after the other, and keeps at it: through a cut network, and until a server that takes none for now takes them.
import * as api from "../server/api.js";
import { tellThatItStarts } from "../lib/notify.js";
import * as keptFiles from "./kept_files.js";
import { fresh, isEnded, stateOfJob } from "./photo.js";

const kAskAgainWhenHeld = 15;        // seconds, where the server does not say
const kAskAgainWhenOffline = 3_000;  // ms
const kOnItsWay = 3_000;             // ms: longer than a packet is under way

/** Not now, but later: the server is full (`queue_full`), the visitor has had its share (`too_many`), or it can't work yet (`unavailable`). */
const isForNow = error => [429, 503].includes(error.status);

export class Sender {
  #sending = null;  // {photo, abort}
  #holding = 0;     // the timer of the next try

  /**
   * @param watcher watches a photo before its first byte is sent, so that the upload stage is live too
   * @param onTurn() the server took a photo, or takes none for now
   * @param onClosed() the server asks for a login
   */
  constructor({ list, connection, watcher, onTurn, onClosed }) {
    Object.assign(this, { list, connection, watcher, onTurn, onClosed });
    connection.addEventListener("retry", () => this.sendNext());
    addEventListener("online", () => this.sendNext());
  }

  isSending(photo) { return this.#sending?.photo === photo; }

  /** Starts with the next photo in line, unless one is under way; goes on until there is none. */
  async sendNext() {
    if (this.#sending) return;
    const photo = this.list.inState("next").find(other => other.file);
    if (!photo) return;
    this.#sending = { photo, abort: null };
    let goOn = true;
    try {
      await this.#send(photo);
      this.connection.report("upload", true);
      keptFiles.drop(photo);
      for (const held of this.list.inState("held")) this.list.update(held, { state: "next" });
    } catch (error) {
      goOn = this.#notSent(photo, error);
    } finally {
      this.#sending = null;
    }
    if (goOn) this.sendNext();
  }

  /** The upload under way comes to nothing: what has arrived of it is deleted, and once more what was on its way then. */
  cancel(photo) {
    const { id } = photo;
    this.abort();
    this.watcher.unwatch(photo);
    api.remove(id).catch(() => {});
    setTimeout(() => api.remove(id).catch(() => {}), kOnItsWay);
  }

  abort() { this.#sending?.abort?.(); }

  async #send(photo) {
    if (photo.attempted && (await this.#arrivedAfterAll(photo))) return;
    const wasHeld = photo.retryAt !== null;
    this.list.update(photo, { state: "uploading", uploaded: 0, attempted: true, cut: false });
    keptFiles.keep(photo);
    this.watcher.watch(photo);
    const sending = api.upload(photo, part => photo.state === "uploading" && this.list.update(photo, { uploaded: part }));
    this.#sending.abort = sending.abort;
    const accepted = await sending.done;
    const patch = { uploaded: 1, heldFor: null, retryAt: null };
    if (photo.state === "uploading") Object.assign(patch, { state: "waiting", position: accepted.position ?? null });
    this.list.update(photo, patch);
    this.onTurn();
    if (wasHeld && photo.notify) tellThatItStarts(photo);
  }

  /** The reply to an earlier try may have been lost after the server had everything. */
  async #arrivedAfterAll(photo) {
    try {
      const job = await api.job(photo.id);
      if (job.state !== "uploading") {
        this.list.update(photo, stateOfJob(job));
        if (!isEnded(photo)) this.watcher.watch(photo);
        return true;
      }
    } catch (error) {
      if (error.status !== 404) throw error;
    }
    this.list.update(photo, { id: fresh(photo).id, seq: 0 });  // half of it may lie there under the old id
    return false;
  }

  /** True when the next one may be sent at once. */
  #notSent(photo, error) {
    this.watcher.unwatch(photo);
    if (photo.state === "cancelled" || error.code === "aborted") return true;
    if (error.closed) {
      this.list.update(photo, { state: "next" });
      this.onClosed();
    } else if (error.offline) {
      this.list.update(photo, { state: "next", cut: true });
      this.connection.report("upload", false);
      setTimeout(() => this.sendNext(), kAskAgainWhenOffline);
    } else if (error.status === 409 && error.code === "id_taken") {
      this.list.update(photo, { state: "next" });
      return true;
    } else if (isForNow(error)) {
      this.#hold(photo, error.code || (error.status === 503 ? "unavailable" : "queue_full"), error.retryAfter ?? kAskAgainWhenHeld);
    } else {
      this.#refused(photo, error);
      return true;
    }
    return false;
  }

  #refused(photo, error) {
    const code = error.code || (error.status === 413 ? "too_large" : "");
    this.list.update(photo, { state: "error", attempted: false, stage: "upload", ended: Date.now(),
      error: { text: error.message, code, needed: error.needed, limit: error.limit } });
    keptFiles.drop(photo);
  }

  /** The photo stays here and is sent by itself later. So do those behind it. */
  #hold(photo, heldFor, seconds) {
    const retryAt = Date.now() + seconds * 1000;
    for (const other of [photo, ...this.list.inState("next", "held")]) this.list.update(other, { state: "held", heldFor, retryAt, attempted: false });
    this.onTurn();
    clearTimeout(this.#holding);
    this.#holding = setTimeout(() => {
      const [first] = this.list.inState("held");
      if (!first) return;
      this.list.update(first, { state: "next" });
      this.sendNext();
    }, seconds * 1000);
  }
}
