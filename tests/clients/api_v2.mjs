// The TypeScript SDK of API v2 (npm @comfyorg/sdk): upload, submit, events, results, ranges, workflow, cancel.
import { readFile, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [server, folder, packages] = process.argv.slice(2);
process.env.COMFY_BASE_URL = server; // read when a client is made
const { resolve } = createRequire(pathToFileURL(join(packages, "package.json")));
const { Comfy, ComfyError } = await import(pathToFileURL(resolve("@comfyorg/sdk")));

const found = {};
const client = new Comfy({ clientInfo: "darkroom-tests" });
const asset = client.assets.fromFile(join(folder, "photo.png"));
await asset.commit();
const again = client.assets.fromFile(join(folder, "photo.png"));
await again.commit();
found.new = [asset.createdNew, again.createdNew];
found.known = (await (await client.assets.get(asset.id)).hash()) === (await asset.hash());

const workflow = await client.workflows.fromFile(join(folder, "i2i.json"));
const [node] = Object.entries(workflow.json).find(([, one]) => one.class_type === "LoadImage");
workflow.setInput(node, "image", asset);
const job = await client.submit(workflow);
found.statuses = [];
found.progress = [];
found.outputs = [];
for await (const event of job.events()) {
  if (event.kind === "statusChange") found.statuses.push(event.status);
  if (event.kind === "progress") found.progress.push(event.value);
  if (event.kind === "outputReady") found.outputs.push(event.output.name);
}
await job.result();
const output = job.outputs[0];
const path = join(folder, output.name);
await output.toFile(path);
found.bytes = [(await stat(path)).size, output.sizeBytes];
found.range = Buffer.from(await output.toBytes({ range: [0, 7] })).equals((await readFile(path)).subarray(0, 8));
found.address = (await output.getDownloadUrl()).url;
const stored = await (await client.jobs.get(job.id)).getWorkflow();
found.workflow = [stored.format, Object.keys(stored.workflow).length === Object.keys(workflow.json).length];
const cancelled = await client.submit(workflow);
await cancelled.cancel();
found.cancelled = (await cancelled.wait({ timeout: 60 })).status;
workflow.setInput(node, "image", "nobody.png");
try {
  await client.submit(workflow);
} catch (error) {
  found.refused = [error.constructor.name, error instanceof ComfyError, error.code];
}
console.log(JSON.stringify(found));
