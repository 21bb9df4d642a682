// What a message of `/ws/progress` changes in a photo. Pure: a photo and a message in, the changed fields out.

const kCurvePoints = 240;

/** Closes what was under way and opens `stage` (and its `source`), so that each shows how long it took. `at`: null when not known. */
function stageTimes(times, stage, source, at) {
  const keep = new Set([stage, source && `${stage}/${source}`]);
  const next = {};
  for (const [key, time] of Object.entries(times)) next[key] = "to" in time || keep.has(key) ? time : { ...time, to: at };
  for (const key of keep) if (key && !next[key]) next[key] = { from: at };
  return next;
}

/** Which part of the photo a preview shows, as fractions: it comes in pixels of the step's result (`of`), or as fractions. */
function partOf({ x = 0, y = 0, width = 1, height = 1, of = [1, 1] }) {
  return { x: x / of[0], y: y / of[1], width: width / of[0], height: height / of[1] };
}

function curve(memory, point) {
  const all = [...memory, point];
  return all.length > kCurvePoints ? all.filter((_, i) => i % 2 === 0) : all;
}

function ending(photo, message, at) {
  const patch = { seq: message.seq, ended: at ?? photo.ended, cancelling: false, secondsLeft: null, position: null };
  if (message.code === "cancelled") return { ...patch, state: "cancelled" };
  return { ...patch, state: "error", stage: message.stage ?? photo.stage, source: message.source ?? photo.source,
    error: { text: message.error, code: message.code ?? "", needed: message.needed, limit: message.limit } };
}

/** How far the step is. Messages in between, which tell of memory alone, leave it as it was. */
function stepFigures(photo, message, source) {
  const goesOn = source === photo.source && message.stage === photo.stage;
  const kept = (value, before) => value ?? (goesOn ? before : null);
  return {
    tile: kept(message.tile, photo.tile), tiles: kept(message.tiles, photo.tiles), stepProgress: kept(message.step_progress, photo.stepProgress),
    secondsPerTile: kept(message.seconds_per_tile, photo.secondsPerTile), secondsLeft: kept(message.seconds_left, photo.secondsLeft),
  };
}

export function heard(photo, message) {
  // A message of before a reload without a time of its own: when that was, nobody knows.
  const at = message.time ?? (message.seq <= photo.replayed ? null : Date.now());
  if (message.error !== undefined) return ending(photo, message, at);
  const { stage } = message;
  const source = message.source ?? null;
  const patch = {
    seq: message.seq, stage, source, message: message.message ?? "",
    progress: Math.max(photo.progress, message.progress ?? 0),
    ...stepFigures(photo, message, source),
    position: message.position ?? null,
    times: stageTimes(photo.times, stage, source, at),
  };
  if (message.memory) patch.memory = curve(photo.memory, message.memory);
  if (message.preview?.url) patch.preview = { url: message.preview.url, part: partOf(message.preview) };
  if (message.attention) patch.attention = message.attention.url;
  if (stage === "complete") {
    return { ...patch, state: "complete", ended: at ?? photo.ended, progress: 100, secondsLeft: null, result: { url: message.result_url },
      times: Object.fromEntries(Object.entries(patch.times).map(([key, time]) => [key, { to: at, ...time }])) };
  }
  if (stage === "upload") {
    if (message.position) patch.state = "waiting";
  } else {
    patch.state = "running";
    if (!photo.started && at) patch.started = at;
  }
  return patch;
}
