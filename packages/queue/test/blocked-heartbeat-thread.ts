/** A heartbeat's thread that dies while it loads, as long as a file is there. */
import { existsSync } from "node:fs";

if (existsSync(process.env["BLOCKED_HEARTBEAT"] ?? "")) throw new Error("it can't be loaded");
await import("../src/worker/heartbeat-thread.ts");
