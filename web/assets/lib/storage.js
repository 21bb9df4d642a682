// Small things that a browser remembers for the page. Without storage (private windows) nothing is remembered and all works.

const name = key => "darkroom." + key;

export function remembered(key, fallback = null) {
  try {
    const text = localStorage.getItem(name(key));
    return text === null ? fallback : JSON.parse(text);
  } catch {
    return fallback;
  }
}

export function remember(key, value) {
  try {
    localStorage.setItem(name(key), JSON.stringify(value));
  } catch {
    // full or forbidden
  }
}
