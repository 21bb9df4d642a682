// Shows what the node found on the node itself, as soon as its message comes.
import { app } from "../../scripts/app.js";
import { api } from "../../scripts/api.js";

app.registerExtension({
  name: "darkroom.example.brightness",
  async setup() {
    api.addEventListener("darkroom.example.brightness", ({ detail }) => {
      const node = app.graph.getNodeById(detail.node);
      if (!node) return;
      node.title = `${detail.word} ${Math.round(detail.brightness * 100)} %`;
      node.bgcolor = detail.word === "bright" ? "#7a6a2a" : "#22303c";
      node.setDirtyCanvas(true, true);
    });
  },
});
