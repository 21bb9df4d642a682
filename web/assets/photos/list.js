// All photos of this visitor, in the order in which they were added: the one thing that views read.

/** Events: `change` with `detail` {photo, before}; photo is null when one came or went. */
export class PhotoList extends EventTarget {
  #photos = [];

  get all() { return this.#photos; }
  get size() { return this.#photos.length; }
  byKey(key) { return this.#photos.find(photo => photo.key === key) ?? null; }
  byId(id) { return this.#photos.find(photo => photo.id === id) ?? null; }
  /** Counted from 1, as it stands on the film. */
  numberOf(photo) { return this.#photos.indexOf(photo) + 1; }
  neighbour(photo, step) { return this.#photos[this.#photos.indexOf(photo) + step] ?? null; }
  inState(...states) { return this.#photos.filter(photo => states.includes(photo.state)); }

  add(...photos) {
    this.#photos.push(...photos);
    this.#photos.sort((a, b) => a.added - b.added);
    this.#tell(null);
  }

  remove(photo) {
    this.#photos = this.#photos.filter(other => other !== photo);
    this.#tell(null);
  }

  update(photo, patch) {
    const before = { state: photo.state, progress: photo.progress, source: photo.source, stage: photo.stage };
    Object.assign(photo, patch);
    this.#tell(photo, before);
  }

  #tell(photo, before = null) { this.dispatchEvent(new CustomEvent("change", { detail: { photo, before } })); }
}
