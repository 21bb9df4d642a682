// The messages of one job, from wherever the page left off until the job has ended.
//
// Opened before the photo is sent (the server waits for its id), closed by complete or error. A lost socket is opened again with
// `from`, the number of the last message seen, so that nothing is missed and nothing comes twice.
import { socketAddress } from "./api.js";
import { language } from "../lib/strings.js";

const kFirstWait = 500, kLongestWait = 8_000;      // ms between tries
const kPingEvery = 20_000, kSilenceIsLoss = 15_000;  // a browser sees no pings of the server: it sends its own

export class JobStream {
  #socket = null;
  #wait = kFirstWait;
  #timer = 0;
  #ping = 0;
  #silence = 0;
  #stopped = false;

  /**
   * @param id of the job
   * @param connection is told when the stream is lost and when it is back
   * @param from() the number of the last message seen
   * @param onOpen() connected, for the first time or again
   * @param onMessage(message)
   * @param onEndWithoutWord() the server closed the socket in order, and no last message was seen
   * @param onLost() it could not be opened, or broke: perhaps the server refuses, which a browser does not tell
   */
  constructor({ id, connection, from, onOpen, onMessage, onEndWithoutWord, onLost }) {
    Object.assign(this, { id, connection, from, onOpen, onMessage, onEndWithoutWord, onLost });
    this.retry = () => !this.#socket && this.#open();
    connection.addEventListener("retry", this.retry);
    addEventListener("online", this.retry);
    this.#open();
  }

  /** False when there is no connection to say it on. */
  cancel() {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify({ action: "cancel" }));
    return true;
  }

  /** No more messages, no more tries. Idempotent. */
  stop() {
    this.#stopped = true;
    this.connection.removeEventListener("retry", this.retry);
    removeEventListener("online", this.retry);
    clearTimeout(this.#timer);
    this.#close();
    this.connection.report(this, true);
  }

  #open() {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    const socket = new WebSocket(socketAddress(`/ws/progress?job=${this.id}&from=${this.from()}&lang=${language()}`));
    this.#socket = socket;
    socket.onopen = () => {
      this.#wait = kFirstWait;
      this.connection.report(this, true);
      this.onOpen(this);
      this.#ping = setInterval(() => this.#sendPing(), kPingEvery);
    };
    socket.onmessage = event => {
      clearTimeout(this.#silence);
      const message = JSON.parse(event.data);
      if (message.type === "pong" || !(message.seq > this.from())) return;
      this.onMessage(message);
    };
    socket.onclose = event => this.#lost(socket, event.code);
  }

  #sendPing() {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    this.#socket.send(JSON.stringify({ action: "ping" }));
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#lost(this.#socket, 1006), kSilenceIsLoss);
  }

  #lost(socket, code) {
    if (this.#stopped || socket !== this.#socket) return;
    this.#close();
    if (code === 1000) {
      this.connection.report(this, true);
      return this.onEndWithoutWord();
    }
    this.connection.report(this, false);
    this.onLost();
    this.#timer = setTimeout(() => this.#open(), this.#wait * (0.75 + Math.random() / 2));
    this.#wait = Math.min(kLongestWait, this.#wait * 2);
  }

  #close() {
    clearInterval(this.#ping);
    clearTimeout(this.#silence);
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }
}
