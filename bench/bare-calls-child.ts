/** The floor of calls in flight: a loop of bare fetches for each slot, and nothing else. Prints the seconds it took. */
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: { url: { type: "string" }, slots: { type: "string" }, calls: { type: "string" } },
});
const slots = Number(values.slots);

async function call(index: number): Promise<void> {
  const response = await fetch(`${values.url}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "fake", messages: [{ role: "user", content: `Question ${index}` }] }),
  });
  if (!response.ok) throw new Error(`The model server answered ${response.status}.`);
  await response.json();
}

async function callAll(count: number): Promise<void> {
  const indexes = Array.from({ length: count }, (_, index) => index).values();
  const callNext = async (): Promise<void> => {
    for (const index of indexes) await call(index);
  };
  await Promise.all(Array.from({ length: slots }, callNext));
}

// Every connection is there afterwards.
await callAll(slots);
const startedMs = performance.now();
await callAll(Number(values.calls));
process.stdout.write(`${(performance.now() - startedMs) / 1000}\n`);
