// One photograph, from the file that was laid down to its print.
//
// state: added → next → uploading → waiting → running → complete | error | cancelled
//                         ↕ held (not taken for now, `heldFor` says why; the photo stays in this page)      gone: deleted by age
import { originalAddress } from "../server/api.js";
import { isTiff, uuid } from "../lib/files.js";

export const kSteps = ["denoise", "scratch", "colorize", "upscale", "sharpen"];  // in the order in which they run

const kNothingHeard = {
  seq: 0, replayed: 0, uploaded: 0, position: null, stage: null, source: null, progress: 0, message: "", tile: null, tiles: null, stepProgress: null,
  secondsPerTile: null, secondsLeft: null, preview: null, attention: null, memory: [], times: {}, error: null, result: null, model: null,
  started: null, ended: null, expires: null, cancelling: false, attempted: false, heldFor: null, retryAt: null, cut: false,
};

let lastMoment = 0;

/** Now, but no two the same: it is the order on the sheet. */
const nextMoment = () => (lastMoment = Math.max(lastMoment + 1, Date.now()));

export function photoOfFile(file, { name = file.name, options = null } = {}) {
  return { ...kNothingHeard, key: uuid(), id: uuid(), name: name || "photo.png", file, bytes: file.size, width: null, height: null, options,
    state: "added", added: nextMoment(), created: null, seen: false, thumb: null, notify: false };
}

/** What `GET /restore/{id}` says, as a photo of this page. */
export function photoOfJob(job) {
  const photo = { ...kNothingHeard, key: job.job_id, id: job.job_id, name: job.name || "photo", file: null, bytes: job.bytes ?? null,
    width: null, height: null, options: job.options ?? {}, added: job.created ?? Date.now(), seen: false, thumb: null, notify: false };
  return Object.assign(photo, stateOfJob(job));
}

/** What only `GET /restore/{id}` says, for a photo whose messages were all heard. */
export const factsOfJob = job => ({
  created: job.created ?? null, started: job.started ?? null, ended: job.ended ?? null, expires: job.expires ?? null, model: job.model ?? null,
  ...(job.width && { width: job.width, height: job.height }),
  ...(job.state === "complete" && { result: { url: job.result_url, width: job.result_width, height: job.result_height, bytes: job.result_bytes } }),
});

export function stateOfJob(job) {
  const state = { uploading: "uploading", waiting: "waiting", running: "running", complete: "complete", cancelled: "cancelled", error: "error" }[job.state] ?? "running";
  return {
    state, attempted: true, position: job.position ?? null, stage: job.stage ?? null, source: job.source ?? null, progress: job.progress ?? 0, message: job.message ?? "",
    tile: job.tile ?? null, tiles: job.tiles ?? null, secondsLeft: job.seconds_left ?? null,
    ...(job.options && { options: job.options }),
    replayed: job.seq ?? 0,
    error: state === "error" ? { text: job.error ?? "", code: job.code ?? "", needed: job.needed, limit: job.limit } : null,
    result: null,
    ...factsOfJob(job),
  };
}

/** The same photo for another run. */
export const fresh = photo => ({ ...kNothingHeard, id: uuid(), state: "next", seen: false, options: photo.options });

export const isEnded = photo => ["complete", "error", "cancelled", "gone"].includes(photo.state);
export const isAtWork = photo => ["next", "uploading", "held", "waiting", "running"].includes(photo.state);
/** The server has the original. */
export const isSent = photo => ["waiting", "running", "complete", "error", "cancelled"].includes(photo.state) && photo.attempted;

/** The steps that the options ask for, in their order. */
export function stepsOf(options = {}) {
  return kSteps.filter(step => (step === "upscale" ? options?.upscale > 1 : Boolean(options?.[step])));
}

const urls = new WeakMap();  // file → its object URL, one for the life of the page

/** Where the original can be seen; null when a browser can't show it (yet). */
export function originalOf(photo) {
  if (photo.file && !isTiff(photo)) {
    if (!urls.has(photo.file)) urls.set(photo.file, URL.createObjectURL(photo.file));
    return urls.get(photo.file);
  }
  return isSent(photo) ? originalAddress(photo.id, isTiff(photo) ? "webp" : null) : null;
}

/** A small picture for the contact sheet: what it looks like now. */
export const thumbOf = photo => photo.thumb ?? originalOf(photo);
