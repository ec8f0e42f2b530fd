/** Listens to its supervisor only once the test says `go`. Ends well when it has heard the words it was given. */
import { findSupervision } from "../../src/processes/supervised-process.ts";

const expected = process.argv.slice(2);
const heard: string[] = [];

process.on("message", (message) => {
  if (message !== "go") return;
  findSupervision()?.listen((told) => {
    heard.push(told);
    if (heard.join() === expected.join()) process.exit(0);
  });
  // Listening keeps no process alive: what it does must.
  setInterval(() => undefined, 60_000);
});
process.send?.("waits");
