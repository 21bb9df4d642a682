// Lights on or off: the system's choice until the lamp is switched.

const root = document.documentElement;

export function themeNow() {
  return root.dataset.theme || (matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark");
}

export function switchTheme() {
  root.dataset.theme = themeNow() === "dark" ? "light" : "dark";
  try {
    localStorage.setItem("darkroom.theme", root.dataset.theme);  // as early_theme.js reads it
  } catch {
    // it holds for this visit
  }
}
