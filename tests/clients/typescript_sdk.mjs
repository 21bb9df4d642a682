// @saintno/comfyui-sdk: a prompt builder with progress, previews and results; the queue, uploads and interruption.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";

const [server, folder, packages] = process.argv.slice(2);
const { CallWrapper, ComfyApi, PromptBuilder } = createRequire(path.join(packages, "x.js"))("@saintno/comfyui-sdk");
const workflow = JSON.parse(await readFile(path.join(folder, "t2i.json"), "utf8"));
const api = await new ComfyApi(server).init().waitForReady();
const said = { progress: [], previews: 0 };

const run = builder => new Promise((resolve, reject) => {
  new CallWrapper(api, builder)
    .onPending(id => { said.pending = id; })
    .onStart(id => { said.start = id; })
    .onProgress(info => said.progress.push([info.value, info.max]))
    .onPreview(() => { said.previews += 1; })
    .onFinished(data => resolve(data))
    .onFailed(error => reject(error))
    .run();
});

const builder = new PromptBuilder(workflow, ["positive", "seed"], ["images"])
  .setInputNode("positive", "6.inputs.text")
  .setInputNode("seed", "3.inputs.seed")
  .setOutputNode("images", "9")
  .input("positive", "a red apple")
  .input("seed", 42);
const data = await run(builder);
said.names = data.images.images.map(image => image.filename);
said.bytes = (await (await api.getImage(data.images.images[0])).arrayBuffer()).byteLength;
said.upload = (await api.uploadImage(await readFile(path.join(folder, "photo.png")), "sdk.png")).info;
said.checkpoints = await api.getCheckpoints();
said.queue = await api.getQueue();
said.history = Object.keys(await api.getHistories(1)).length;
said.failure = await run(new PromptBuilder({ ...workflow, 4: { ...workflow[4], inputs: { ckpt_name: "none" } } }, [], ["images"]).setOutputNode("images", "9"))
  .then(() => "none", error => String(error?.message ?? error));
await api.interrupt();
api.destroy();
console.log(JSON.stringify(said));
process.exit(0);
