import { parentPort } from "node:worker_threads";
import type { ThreadRequest } from "../src/built-in/thread/protocol.ts";

// Entry of a thread for tests: it does what the text to detect the language of says.
parentPort?.on("message", ({ request }: ThreadRequest) => {
  const order = "text" in request ? request.text : "";
  if (order === "throw") throw new Error("broken");
  if (order === "exit") process.exit(3);
  if (order === "spin") while (Number.isFinite(performance.now())) order.trim();
  parentPort?.postMessage({ ok: true, answer: { code: order, confidence: null } });
});
