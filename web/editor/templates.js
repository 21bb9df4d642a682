// What Darkroom adds to the graph editor: the first visit begins with a workflow that runs as it is, and templates bring the pictures that they start from.

import { api } from "/scripts/api.js";
import { app } from "/scripts/app.js";

const START = "start"; // of workflows/templates
const VISITED = "Comfy.TutorialCompleted"; // the editor's mark of a visitor; without it a window of templates covers the page

async function template(name) {
  const reply = await fetch(api.fileURL(`/templates/${name}`));
  if (!reply.ok) throw new Error(`/templates/${name}: ${reply.status}`);
  return reply;
}

const isPlain = (name) => /^[\w-]+\.(png|jpg)$/.test(name); // workflows come from anywhere
const isKnown = (name) => window.LiteGraph.registered_node_types.LoadImage?.nodeData?.input?.required?.image?.[0]?.includes?.(name);

/** Puts a picture of the templates among the visitor's own. */
async function bring(name) {
  const form = new FormData();
  form.append("image", await (await template(name)).blob(), name);
  const reply = await api.fetchApi("/upload/image", { method: "POST", body: form });
  if (!reply.ok) throw new Error(`${name} was not taken: ${reply.status}`);
}

/** The workflow to begin with, once the editor has opened its own. */
async function begin() {
  try {
    await app.loadGraphData(await (await template(`${START}.json`)).json(), true, true, START);
  } catch (fault) {
    console.error("Darkroom: the first workflow was not opened:", fault);
  }
}

let first = false;

app.registerExtension({
  name: "Darkroom.Templates",

  async setup() {
    const settings = app.extensionManager.setting;
    first = !settings.get(VISITED) && !new URLSearchParams(location.search).has("template");
    if (first) await settings.set(VISITED, true);
  },

  async beforeConfigureGraph(graph) {
    const missing = (graph?.extra?.darkroom?.inputs ?? []).filter((name) => isPlain(name) && !isKnown(name));
    if (missing.length === 0) return;
    try {
      await Promise.all(missing.map(bring));
      await app.refreshComboInNodes();
    } catch (fault) {
      console.error("Darkroom: a picture of the template is missing:", fault);
    }
  },

  async afterConfigureGraph() {
    if (!first) return;
    first = false;
    setTimeout(begin);
  },
});
