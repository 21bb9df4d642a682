// Photos that the server does not have yet, kept in this browser so that a reload loses none (IndexedDB). Where there is no such
// storage, a reload loses them, and nothing else. Of several users of one browser each sees its own.

const kStore = "photos";

let owner = null;

/** @param user name of who has logged in; null where nobody can */
export function keepFor(user) { owner = user; }

function opened() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open("darkroom", 1);
    request.onupgradeneeded = () => request.result.createObjectStore(kStore, { keyPath: "key" });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

let database = null;

async function store(mode, work) {
  try {
    database ??= opened();
    const request = work((await database).transaction(kStore, mode).objectStore(kStore));
    return await new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  } catch {
    return null;
  }
}

const kept = ({ key, id, name, file, bytes, width, height, options, added, attempted }, state) =>
  ({ key, id, name, file, bytes, width, height, options, added, attempted, state, owner });

/** Keeps a photo that waits to be started or sent. */
export const keep = photo => store("readwrite", photos => photos.put(kept(photo, photo.state === "added" ? "added" : "next")));
export const drop = photo => store("readwrite", photos => photos.delete(photo.key));

async function allOfOwner() {
  const all = (await store("readonly", photos => photos.getAll())) ?? [];
  return all.filter(photo => (photo.owner ?? null) === owner);
}

/** Nothing of this user stays in the browser. */
export const dropAll = async () => Promise.all((await allOfOwner()).map(drop));

/**
 * All of them, for the tab that comes first: two that send the same photo would be one too many. Where a browser has no locks (plain
 * http from another machine) every tab is the first.
 */
export async function takeKept() {
  if (!(await isFirstTab())) return [];
  return (await allOfOwner()).map(({ owner: _, ...photo }) => photo);
}

let first = null;  // asked once: the lock is held for as long as the page lives

function isFirstTab() {
  if (!navigator.locks) return true;
  first ??= new Promise(resolve => {
    navigator.locks.request("darkroom.photos", { ifAvailable: true }, lock => {
      resolve(lock !== null);
      return lock && new Promise(() => {});
    });
  });
  return first;
}
