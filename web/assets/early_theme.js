// Runs before the first paint, hence no module: a theme that was chosen by hand. All else about themes is in lib/theme.js.
try {
  const theme = localStorage.getItem("darkroom.theme");
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
} catch {
  // no storage: the system's theme
}
