// Runs before the first paint, so that a dark page never flashes white. A file of its own because
// the content security policy allows no inline scripts.
(function () {
  let scheme = "auto";
  try {
    scheme = localStorage.getItem("millrace.color-scheme") || "auto";
  } catch {
    // Storage may be switched off: then the system's scheme is used.
  }
  if (scheme !== "light" && scheme !== "dark") {
    scheme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }
  document.documentElement.setAttribute("data-mantine-color-scheme", scheme);
})();
