// Is the server there? Collects what streams and requests say, and tells the bar under the header.

const kShownAfter = 2_000;      // ms: shorter gaps are nobody's business
const kStillTryingAfter = 60_000;

export class Connection extends EventTarget {
  #lost = new Map();  // who lost the server → since when, ms
  #timer = 0;
  state = "there";    // there, lost, long_lost

  /** `who` has no connection, or has it again. */
  report(who, there) {
    if (there) this.#lost.delete(who);
    else if (!this.#lost.has(who)) this.#lost.set(who, Date.now());
    this.#look();
  }

  get lost() { return this.#lost.size > 0; }

  /** Everybody who waits for the next try tries now. */
  retryNow() { this.dispatchEvent(new Event("retry")); }

  #look() {
    clearTimeout(this.#timer);
    const since = this.lost ? Date.now() - Math.min(...this.#lost.values()) : 0;
    const state = !this.lost || since < kShownAfter ? "there" : since < kStillTryingAfter ? "lost" : "long_lost";
    if (this.lost && state !== "long_lost") this.#timer = setTimeout(() => this.#look(), (state === "there" ? kShownAfter : kStillTryingAfter) - since + 5);
    if (state === this.state) return;
    this.state = state;
    this.dispatchEvent(new Event("change"));
  }
}
