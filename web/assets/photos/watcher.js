// Follows photos that the server has: one stream of messages each, until the job has ended.
import * as api from "../server/api.js";
import { JobStream } from "../server/job_stream.js";
import { heard } from "./messages.js";
import { factsOfJob, isAtWork, isEnded, stateOfJob } from "./photo.js";

const kWatchAgain = 3_000;  // ms, after a stream that ended without a last message

/** An upload that is not taken for now. The reply to it says when to go on, and comes after this message. */
const isForNow = message => message.error !== undefined && ["queue_full", "too_many", "unavailable"].includes(message.code);

export class Watcher {
  #streams = new Map();  // photo → JobStream
  #closed = false;       // the door: no stream gets through

  /**
   * @param onTurn(photo) a message has changed its state
   * @param onClosed() the server asks for a login
   */
  constructor(list, connection, { onTurn, onClosed }) {
    Object.assign(this, { list, connection, onTurn, onClosed });
  }

  /** Idempotent. May come before the photo is sent: the server waits for its id. */
  watch(photo) {
    if (this.#closed || this.#streams.has(photo)) return;
    const stream = new JobStream({
      id: photo.id, connection: this.connection, from: () => photo.seq,
      onOpen: opened => photo.cancelling && opened.cancel(),  // said while the connection was lost
      onMessage: message => this.#hear(photo, message),
      onEndWithoutWord: () => this.#endedInSilence(photo),
      onLost: () => ["waiting", "running"].includes(photo.state) && this.askAbout(photo),
    });
    this.#streams.set(photo, stream);
  }

  unwatch(photo) {
    this.#streams.get(photo)?.stop();
    this.#streams.delete(photo);
  }

  /** The server asks for a login: nothing is watched until `open()`, and then what is asked for anew. */
  close() {
    this.#closed = true;
    for (const photo of [...this.#streams.keys()]) this.unwatch(photo);
  }

  open() { this.#closed = false; }

  /** Over the photo's stream; false when it has no connection. */
  cancel(photo) { return this.#streams.get(photo)?.cancel() ?? false; }

  /** Messages in the other language from now on. */
  changeLanguage() {
    for (const photo of [...this.#streams.keys()]) {
      this.unwatch(photo);
      this.watch(photo);
    }
  }

  /** Takes over what the server knows of it. */
  async askAbout(photo) {
    try {
      this.list.update(photo, stateOfJob(await api.job(photo.id)));
      if (isEnded(photo)) this.unwatch(photo);
    } catch (error) {
      if (error.closed) this.onClosed();
      if (error.status !== 404) return;
      this.unwatch(photo);
      if (["waiting", "running"].includes(photo.state)) this.list.update(photo, { state: "gone" });
    }
  }

  #hear(photo, message) {
    if (isEnded(photo)) return;
    if (photo.state === "uploading" && isForNow(message)) return this.unwatch(photo);
    const before = photo.state;
    this.list.update(photo, heard(photo, message));
    if (isEnded(photo)) {
      this.unwatch(photo);
      this.#learnMore(photo);
    }
    if (photo.state !== before) this.onTurn(photo);
  }

  /** Sizes, model, time of deletion: no message tells them. */
  async #learnMore(photo) {
    try {
      const job = await api.job(photo.id);
      if (isEnded(photo)) this.list.update(photo, factsOfJob(job));
    } catch {
      // refused uploads are not kept, and the rest shows without
    }
  }

  async #endedInSilence(photo) {
    this.unwatch(photo);
    await this.askAbout(photo);
    if (!isEnded(photo)) setTimeout(() => isAtWork(photo) && this.watch(photo), kWatchAgain);
  }
}
