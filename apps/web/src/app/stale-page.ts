const reloadedKey = "millrace.reloaded-at";
/** A second failure this soon is not an upgrade: reloading again would go round in circles. */
const patienceMs = 60_000;

/**
 * After an upgrade of the server an open page asks for parts that are gone. It is loaded anew once;
 * when that does not help, or would lose something, the error page says what is wrong.
 */
export function reloadWhenStale(wouldLose: () => boolean): void {
  window.addEventListener("vite:preloadError", (event) => {
    const last = Number(sessionStorage.getItem(reloadedKey) ?? 0);
    if (Date.now() - last < patienceMs || wouldLose()) return;
    sessionStorage.setItem(reloadedKey, String(Date.now()));
    event.preventDefault();
    location.reload();
  });
}
