// What a screen reader is told. Lines are added and taken away again later, so that two in one moment are both read.

const kReadFor = 10_000;  // ms

/** Says a text politely; with `urgent` at once (failures). */
export function say(text, { urgent = false } = {}) {
  const region = document.getElementById("say");
  const line = document.createElement("p");
  if (urgent) line.setAttribute("role", "alert");
  line.textContent = text;
  region.append(line);
  setTimeout(() => line.remove(), kReadFor);
}
