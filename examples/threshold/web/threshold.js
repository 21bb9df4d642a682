// Fills the node's title bar with the share of the picture that the mask covers.
import { app } from "../../scripts/app.js";
import { api } from "../../scripts/api.js";

app.registerExtension({
  name: "darkroom.example.threshold",
  async setup() {
    api.addEventListener("darkroom.example.threshold", ({ detail }) => {
      const node = app.graph.getNodeById(detail.node);
      if (!node) return;
      node.title = `${"█".repeat(Math.round(detail.share * 10)).padEnd(10, "░")} ${Math.round(detail.share * 100)} %`;
      node.setDirtyCanvas(true, true);
    });
  },
});
