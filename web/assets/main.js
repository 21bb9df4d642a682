// Starts the page: makes its parts, ties them together, and takes what is dropped or pasted anywhere.
import { App } from "./app.js";
import { resultName, save } from "./lib/files.js";
import { say } from "./lib/live_region.js";
import { language, many, t } from "./lib/strings.js";
import { announce } from "./photos/announcer.js";
import { PhotoList } from "./photos/list.js";
import { Options } from "./photos/options.js";
import { Work } from "./photos/work.js";
import * as api from "./server/api.js";
import { Connection } from "./server/connection.js";
import { confirmIn } from "./views/confirm.js";
import { header, netBar } from "./views/header.js";
import { refusedNotes } from "./views/refused.js";

const list = new PhotoList();
const connection = new Connection();
const work = new Work(list, connection);
const options = new Options();
const notes = refusedNotes(document.createElement("div"));

async function takeFiles(files) {
  if (!files.length || app.closed) return;
  notes.clear();
  const before = location.hash;
  const [first] = await work.add(files);
  // Whoever has opened a photo meanwhile stays there.
  if (first && list.size > 1 && location.hash && location.hash === before) app.showSheet();
  else if (first) app.soon();
}

async function takeExample(from, name) {
  try {
    const blob = await api.blob(from);
    await takeFiles([new File([blob], name, { type: "image/jpeg" })]);
  } catch {
    notes.add([{ name: "", why: t("The server could not be reached. Try again when you are back online.") }]);
  }
}

const app = new App({
  list, work, options, notes: notes.element,
  onFiles: takeFiles,
  onExample: takeExample,
  onStart: () => work.restoreAll(options.forServer(work.info, language())),
  onSave: photo => save(api.resultAddress(photo.result.url), resultName(photo, "png")),
  onUseAsInput: async photo => {
    const made = await work.useAsInput(photo, resultName(photo, "png"));
    if (made) app.open(made);
  },
  onDoorOpen: enter,
});

const top = header({
  work,
  onHome: () => app.showSheet(),
  onLanguage: () => {
    work.changeLanguage();
    dropQuestion();
    bar.show();
    app.rebuild();
  },
  onSignOut: async () => {
    const unsent = list.inState("added", "next", "uploading", "held").length;
    if (unsent) askToSignOut(unsent);
    else signOut();
  },
});
const bar = netBar(connection);

async function signOut() {
  if (await work.signOut()) location.reload();
}

const asking = document.getElementById("ask");

function dropQuestion() {
  asking.classList.remove("asking");
  asking.replaceChildren();
}

function askToSignOut(unsent) {
  const question = many(unsent, "{n} photo is not sent yet and would be forgotten. Sign out?", "{n} photos are not sent yet and would be forgotten. Sign out?");
  confirmIn(asking, { question, yes: t("Sign out"), no: t("Stay"), button: document.getElementById("sign-out"), onYes: signOut });
}

async function enter() {
  await work.start();
  app.soon();
}

announce(list, () => app.photoInView);
work.addEventListener("closed", () => {
  top.hideLoad();
  dropQuestion();
  app.showDoor(true);
});
work.addEventListener("open", () => app.showDoor(false));
work.addEventListener("other_user", () => location.reload());  // nothing of the one before is shown to this one
work.addEventListener("refused", ({ detail }) => notes.add(detail));
work.addEventListener("trouble", ({ detail }) => {
  notes.add([{ name: "", why: detail }]);
  say(detail);
});

// ---- the whole page takes drops and paste

let depth = 0;  // dragenter comes for every element on the way
const dragging = on => document.body.classList.toggle("dragging", on);
const bringsFiles = event => [...(event.dataTransfer?.types ?? [])].includes("Files");

addEventListener("dragenter", event => {
  if (!bringsFiles(event)) return;
  event.preventDefault();
  depth++;
  dragging(true);
});
addEventListener("dragleave", () => {
  depth = Math.max(0, depth - 1);
  if (depth === 0) dragging(false);
});
addEventListener("dragover", event => bringsFiles(event) && event.preventDefault());
addEventListener("drop", event => {
  depth = 0;
  dragging(false);
  if (!bringsFiles(event)) return;
  event.preventDefault();
  takeFiles([...event.dataTransfer.files]);
});
addEventListener("paste", event => {
  const files = [...(event.clipboardData?.files ?? [])];
  if (!files.length) return;
  event.preventDefault();
  takeFiles(files);
});

enter();
