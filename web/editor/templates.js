// What Darkroom adds to the graph editor: the first visit begins with a workflow that runs as it is, and templates bring the pictures that they start from.

import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";

const START = "start"; // of workflows/templates
const MODEL = "darkroom-demo.safetensors"; // that it draws with
const PICTURES = ["apple.png", "old_photo.jpg"]; // beside the templates: a workflow from elsewhere gets no others by naming them
const VISITED = "Comfy.TutorialCompleted"; // the editor's mark of a visitor; without it a window of templates covers the page
const KEPT = ["workflow", "Comfy.PreviousWorkflow", "Comfy.Workflow.Draft"]; // how the keys begin under which it keeps work in the browser

let start; // the workflow to begin with, on a first visit

async function template(name) {
  const reply = await fetch(api.fileURL(`/templates/${name}`));
  if (!reply.ok) throw new Error(`/templates/${name}: ${reply.status}`);
  return reply;
}

/** Does the list of a loader have this file? */
function offers(node, input, name) {
  return Boolean(window.LiteGraph.registered_node_types[node]?.nodeData?.input?.required?.[input]?.[0]?.includes?.(name));
}

/** Is there nothing to go back to, and no template that a link asked for? */
function isFirstVisit() {
  const asked = new URLSearchParams(location.search);
  const kept = [localStorage, sessionStorage].some((storage) => Object.keys(storage).some((key) => KEPT.some((one) => key.startsWith(one))));
  return !app.extensionManager.setting.get(VISITED) && !kept && !asked.has("template") && !asked.has("share");
}

/** Puts a picture of the templates among the visitor's own. */
async function bring(name) {
  const form = new FormData();
  form.append("image", await (await template(name)).blob(), name);
  const reply = await api.fetchApi("/upload/image", { method: "POST", body: form });
  if (!reply.ok) throw new Error(`${name} was not taken: ${reply.status}`);
}

app.registerExtension({
  name: "Darkroom.Templates",

  async setup() {
    if (!isFirstVisit() || !offers("CheckpointLoaderSimple", "ckpt_name", MODEL)) return;
    try {
      start = await (await template(`${START}.json`)).json();
      await app.extensionManager.setting.set(VISITED, true);
    } catch (fault) {
      console.error("Darkroom: the first workflow was not fetched:", fault);
    }
  },

  async beforeConfigureGraph(graph) {
    const wanted = graph?.extra?.darkroom?.inputs;
    const missing = Array.isArray(wanted) ? PICTURES.filter((name) => wanted.includes(name) && !offers("LoadImage", "image", name)) : [];
    if (missing.length === 0) return;
    try {
      await Promise.all(missing.map(bring));
      await app.refreshComboInNodes();
    } catch (fault) {
      app.extensionManager.toast.add({ severity: "warn", summary: "A picture of this template is missing", detail: fault.message, life: 8000 });
    }
  },

  async afterConfigureGraph() {
    if (!start) return;
    const graph = start;
    start = undefined;
    setTimeout(() => app.loadGraphData(graph, true, true, START)); // once the editor has opened its own
  },
});
