// The HTTP side of the server. Every address that the page uses is made here.

/** The folder that the page lies in, so that it also works below a path of a proxy. */
const base = new URL(".", document.baseURI);

/** An absolute path of the server (`/results/…`) as seen through the proxy. Never one of another server, whatever the path is. */
export const address = path => new URL(path.replace(/^\/?/, "./"), base).href;

export const socketAddress = path => address(path).replace(/^http/, "ws");

/** A reply that is no success, or no reply at all (`status` 0). */
export class ServerError extends Error {
  constructor(status, { error, code, retry_after: retryAfter, needed, limit } = {}) {
    super(typeof error === "string" ? error : error?.message ?? "");
    this.status = status;
    this.code = code ?? error?.type ?? "";
    this.retryAfter = retryAfter;
    this.needed = needed;
    this.limit = limit;
  }
  get offline() { return this.status === 0 || this.status === 502 || this.status === 504; }
  get closed() { return this.status === 401; }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

async function ask(method, path, body) {
  let reply;
  try {
    reply = await fetch(address(path), {
      method, credentials: "same-origin", cache: "no-store",
      ...(body && { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
    });
  } catch {
    throw new ServerError(0);
  }
  const said = parsed(await reply.text().catch(() => ""));
  if (!reply.ok) throw new ServerError(reply.status, { retry_after: Number(reply.headers.get("Retry-After")) || undefined, ...said });
  return said;
}

export const info = () => ask("GET", "/restore/info");
export const jobs = async () => (await ask("GET", "/restore/jobs")).jobs ?? [];
export const job = id => ask("GET", `/restore/${id}`);
/** Cancels what waits or runs, forgets what has ended. */
export const remove = id => ask("DELETE", `/restore/${id}`);
export const signIn = token => ask("POST", "/auth/login", { token });
export const signOut = () => ask("POST", "/auth/logout");

export const originalAddress = (id, format) => address(`/results/${id}/original${format ? `?format=${format}` : ""}`);

export function resultAddress(resultUrl, format) {
  const result = new URL(address(resultUrl));
  if (format) result.searchParams.set("format", format);
  return result.href;
}

/** The original left and the result right, in one picture. */
export const besideAddress = (id, format) => address(`/results/${id}/side-by-side.${format === "jpeg" ? "jpg" : format}`);

/** The bytes behind an address, for giving a photo to the server once more. */
export async function blob(at) {
  let reply;
  try {
    reply = await fetch(at, { credentials: "same-origin" });
  } catch {
    throw new ServerError(0);
  }
  if (!reply.ok) throw new ServerError(reply.status);
  return reply.blob();
}

/** `x y width height of_width of_height` → fractions; null for anything else. */
function placeOf(header) {
  const [x, y, width, height, acrossAll, downAll] = (header ?? "").split(" ").map(Number);
  return acrossAll > 0 && downAll > 0 ? { x: x / acrossAll, y: y / downAll, width: width / acrossAll, height: height / downAll } : null;
}

/**
 * The newest picture of the work so far, as an object URL, and which part of the photo it is, where the server says so: it may be newer
 * than the message that announced it.
 */
export async function previewPicture(path) {
  const reply = await fetch(address(path), { credentials: "same-origin" });
  if (!reply.ok) throw new ServerError(reply.status);
  return { url: URL.createObjectURL(await reply.blob()), place: placeOf(reply.headers.get("Preview-Place")) };
}

/**
 * Sends a photo. XMLHttpRequest, because fetch says nothing about how far an upload is.
 * @returns {{done: Promise<object>, abort: () => void}}
 */
export function upload({ id, file, name, options }, onProgress) {
  const request = new XMLHttpRequest();
  const form = new FormData();
  // The small parts first: the server knows them before the picture arrives.
  form.append("id", id);
  form.append("options", JSON.stringify(options));
  form.append("image", file, name);
  const done = new Promise((resolve, reject) => {
    request.upload.onprogress = event => event.lengthComputable && onProgress(event.loaded / event.total);
    request.onload = () => {
      const said = parsed(request.responseText);
      if (request.status >= 200 && request.status < 300) resolve(said);
      else reject(new ServerError(request.status, { retry_after: Number(request.getResponseHeader("Retry-After")) || undefined, ...said }));
    };
    request.onerror = request.ontimeout = () => reject(new ServerError(0));
    request.onabort = () => reject(new ServerError(0, { code: "aborted" }));
    request.open("POST", address(`/restore?id=${id}`));
    request.send(form);
  });
  return { done, abort: () => request.abort() };
}
