// The official openai package of npm: a picture drawn, one edited, and a refusal.
import { createReadStream } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const [server, folder, packages] = process.argv.slice(2);
const { OpenAI } = createRequire(path.join(packages, "x.js"))("openai");
const client = new OpenAI({ baseURL: `${server}/v1`, apiKey: "none", maxRetries: 0 });

const drawn = await client.images.generate({ prompt: "a red fox", size: "64x64", quality: "low" });
const edited = await client.images.edit({ image: createReadStream(path.join(folder, "photo.png")), prompt: "in winter", quality: "low" });
const refused = await client.images.generate({ prompt: "x", n: 0 }).then(() => null, error => ({ status: error.status, param: error.param }));
const isPng = reply => Buffer.from(reply.data[0].b64_json, "base64").subarray(1, 4).toString() === "PNG";
console.log(JSON.stringify({ drawn: isPng(drawn), edited: isPng(edited), refused }));
