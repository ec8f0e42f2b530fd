/**
 * An open-loop load generator: requests leave by the clock, whether or not earlier ones were
 * answered, and their time counts from when they should have left. A server that stalls cannot hide
 * it by slowing its client down.
 */
import { Agent, request as httpRequest } from "node:http";
import { parseArgs } from "node:util";
import { sleep } from "@millrace/kernel";
import { prose } from "./material/prose.ts";
import { percentile } from "./measure/statistics.ts";

const { values } = parseArgs({
  options: {
    url: { type: "string" },
    rate: { type: "string", default: "100" },
    seconds: { type: "string", default: "15" },
    "warm-up-seconds": { type: "string", default: "2" },
    bytes: { type: "string", default: "10000" },
  },
});
const url = new URL("/api/documents", values.url);
const rate = Number(values.rate);
const warmUpRequests = rate * Number(values["warm-up-seconds"]);
const total = warmUpRequests + rate * Number(values.seconds);
const agent = new Agent({ keepAlive: true, maxSockets: 256 });
// Made before the clock starts; different enough that nothing is answered from a cache.
const bodies = Array.from({ length: 100 }, (_, index) =>
  Buffer.from(JSON.stringify({ text: prose(Number(values.bytes), process.pid * 1000 + index) })),
);

/** Resolves with whether it was accepted. */
function post(body: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    const headers = { "content-type": "application/json", "content-length": body.length };
    const request = httpRequest(url, { method: "POST", agent, headers, timeout: 30_000 }, (response) => {
      response.resume();
      response.once("end", () => resolve(response.statusCode === 202));
    });
    request.once("timeout", () => request.destroy());
    request.once("error", () => resolve(false));
    request.end(body);
  });
}

const latencies: number[] = [];
let failed = 0;
const startMs = performance.now() + 50;

async function sendAt(index: number): Promise<void> {
  const dueMs = startMs + (index * 1000) / rate;
  const isAccepted = await post(bodies[index % bodies.length] ?? Buffer.alloc(0));
  if (index < warmUpRequests) return;
  if (isAccepted) latencies.push(performance.now() - dueMs);
  else failed += 1;
}

const sent: Promise<void>[] = [];
while (sent.length < total) {
  const due = Math.min(total, Math.floor(((performance.now() - startMs) * rate) / 1000) + 1);
  while (sent.length < due) sent.push(sendAt(sent.length));
  await sleep(Math.max(0, startMs + (sent.length * 1000) / rate - performance.now()));
}
await Promise.all(sent);
agent.destroy();
const [p50, p95, p99, max] = [0.5, 0.95, 0.99, 1].map((share) => percentile(latencies, share));
process.stdout.write(JSON.stringify({ answered: latencies.length, failed, p50, p95, p99, max }));
