import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import type { HookName } from "../src/observe/hooks.ts";

/** Does not compile when one is missing. */
const hooks: Readonly<Record<HookName, true>> = {
  "job.enqueued": true,
  "job.started": true,
  "job.succeeded": true,
  "job.failed": true,
  "job.retry_scheduled": true,
  "job.snoozed": true,
  "job.waiting": true,
  "job.answered": true,
  "job.handed_back": true,
  "job.crashed": true,
  "job.parked": true,
  "job.released": true,
  "job.blocked": true,
  "job.unblocked": true,
  "job.due": true,
  "job.cancel_requested": true,
  "job.cancelled": true,
  "job.expired": true,
  "job.retried": true,
  "worker.started": true,
  "worker.draining": true,
  "worker.stopped": true,
  "worker.lost": true,
  "queue.paused": true,
  "queue.resumed": true,
  "write.refused": true,
};

it("the documentation names each hook, and none that is not there", async () => {
  const root = path.join(import.meta.dirname, "../../..");
  const page = await readFile(path.join(root, "docs/queue/observing.md"), "utf8");

  const named = [...page.matchAll(/^\| `((?:job|worker|queue|write)\.\w+)` /gm)].map(([, name]) => name);

  expect(new Set(named)).toEqual(new Set(Object.keys(hooks)));
});
