import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Lifecycle, localAccess, newId, silentLogger } from "@millrace/kernel";
import { createLiveHub } from "@millrace/live";
import type { LiveHub } from "@millrace/live";
import { defineTask } from "@millrace/queue";
import { afterAll, assert, beforeAll, beforeEach, expect, it } from "vitest";
import { z } from "zod";
import { noProgram } from "../../src/config/load-program.ts";
import { openInstallation } from "../../src/roles/open-installation.ts";
import type { Installation } from "../../src/roles/open-installation.ts";
import { createLivePorts } from "../../src/routes/live-ports.ts";
import { readSettings } from "../../src/settings.ts";

const task = defineTask({ name: "tests.watched", queue: "tests", input: z.object({}), output: z.unknown() });
const stranger = { ...localAccess, workspaceId: newId() };
const lifecycle = new Lifecycle(silentLogger);

let folder: string;
let installation: Installation;
let hub: LiveHub;
let ports: ReturnType<typeof createLivePorts>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-live-ports-"));
  const crew = join(folder, "crews/told");
  await mkdir(crew, { recursive: true });
  await writeFile(join(crew, "agents.yaml"), "writer: { role: Writer, goal: Write, backstory: You write. }");
  await writeFile(
    join(crew, "tasks.yaml"),
    "write: { description: Write it., expected_output: It., agent: writer }",
  );
  installation = await openInstallation({
    settings: readSettings({ DATA_DIR: join(folder, "data") }),
    logger: silentLogger,
    lifecycle,
    program: { ...noProgram, folder, crews: join(folder, "crews") },
  });
});
afterAll(async () => {
  await lifecycle.stop(10_000);
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => {
  hub = createLiveHub({ feed: installation.queue.feed, logger: silentLogger });
  ports = createLivePorts(installation, hub);
});

async function addJob(): Promise<string> {
  const { id } = await installation.queue.add(task, {}, { owner: localAccess.workspaceId });
  return `job:${id}`;
}

it("reads once for a thousand who subscribe to one job at once", async () => {
  const topic = await addJob();

  const snapshots = await Promise.all(
    Array.from({ length: 1_000 }, () => ports.topics.snapshot(localAccess, topic)),
  );

  expect(hub.figures().reads).toBe(1);
  expect(snapshots.every((snapshot) => snapshot?.stream === topic)).toBe(true);
});

it("follows the stream of what is named in capitals, and knows no other domains", async () => {
  const content = { kind: "text", text: "Some text that is named in capitals." } as const;
  const taken = await installation.documents.accept(localAccess, {
    ...{ content, title: undefined, idempotency: undefined },
  });
  if (taken.kind !== "new") throw new Error("it had no key");
  const { id } = taken.accepted.document;

  const usual = await ports.topics.snapshot(localAccess, `document:${id}`);
  const snapshot = await ports.topics.snapshot(localAccess, `document:${id.toUpperCase()}`);

  expect(snapshot).toEqual(usual);
  expect(snapshot).toMatchObject({ seq: expect.any(Number), stream: `document:${id}` });
  expect(await ports.topics.snapshot(localAccess, "constructor:x")).toBeUndefined();
  expect(await ports.topics.mayWatch(localAccess, "constructor:x")).toBe(false);
});

it("shows strangers nothing of what is read for others at the same time", async () => {
  const topic = await addJob();

  const own = [ports.topics.snapshot(localAccess, topic), ports.topics.mayWatch(localAccess, topic)];
  const strange = [ports.topics.snapshot(stranger, topic), ports.topics.mayWatch(stranger, topic)];

  expect(await Promise.all(own)).toEqual([expect.objectContaining({ stream: topic }), true]);
  expect(await Promise.all(strange)).toEqual([undefined, false]);
});

it("keeps the answers about a document to the workspace that has it", async () => {
  const content = { kind: "text", text: "Some text to look at." } as const;
  const result = await installation.documents.accept(localAccess, {
    content,
    title: undefined,
    idempotency: undefined,
  });
  assert(result.kind === "new");
  const topic = `document:${result.accepted.document.id}`;

  const answers = [localAccess, stranger, localAccess, stranger].map((access) =>
    ports.topics.snapshot(access, topic),
  );

  expect((await Promise.all(answers)).map((snapshot) => snapshot !== undefined)).toEqual([
    true,
    false,
    true,
    false,
  ]);
  expect(hub.figures().reads).toBe(2);
});

it("shows a run of a crew to the workspace that has it", async () => {
  const { run } = await installation.crewRuns.start(localAccess, "told", {});
  const topic = `crew_run:${run.id}`;

  const own = [ports.topics.snapshot(localAccess, topic), ports.topics.mayWatch(localAccess, topic)];
  const strange = [ports.topics.snapshot(stranger, topic), ports.topics.mayWatch(stranger, topic)];

  expect(await Promise.all(own)).toEqual([
    expect.objectContaining({ data: expect.objectContaining({ id: run.id }) }),
    true,
  ]);
  expect(await Promise.all(strange)).toEqual([undefined, false]);
});
