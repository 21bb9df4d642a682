// Makes elements and changes them only where something is different, so that focus, selection and screen readers are left in peace.

/** `h("button.btn", {type: "button", onclick}, "text", child)`. A property that is null or false is left out. */
export function h(tag, properties, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name);
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "style") for (const [property, v] of Object.entries(value)) element.style.setProperty(property, v);
    else if (key in element && typeof value !== "string") element[key] = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter(child => child !== null && child !== undefined && child !== false && child !== ""));
  return element;
}

const kSvg = "http://www.w3.org/2000/svg";

export function svg(tag, attributes, ...children) {
  const element = document.createElementNS(kSvg, tag);
  for (const [key, value] of Object.entries(attributes ?? {})) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** A symbol of the sprite in index.html. */
export const icon = (name, className = "") => {
  const element = svg("svg", { "aria-hidden": "true" }, svg("use", { href: "#" + name }));
  if (className) element.setAttribute("class", className);
  return element;
};

export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function setAttribute(element, name, value) {
  if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value === true ? "" : value);
}

export function setWidth(element, percent) {
  const width = `${Math.round(percent * 10) / 10}%`;
  if (element.style.width !== width) element.style.width = width;
}

/** Shows an address in an `img`, loading it only when it is another one. Null: nothing is shown. */
export function setPicture(image, address) {
  if (image.dataset.of === (address ?? "")) return;
  image.dataset.of = address ?? "";
  image.hidden = !address;
  if (address) image.src = address;
  else image.removeAttribute("src");
}

export const buttonOf = (label, onclick, { className = "btn", symbol = null, name = null } = {}) =>
  h("button." + className.replaceAll(" ", "."), { type: "button", onclick, "aria-label": name }, symbol && icon(symbol), label && h("span", null, label));
