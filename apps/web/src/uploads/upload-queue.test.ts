import type { AcceptedDocument } from "@millrace/contracts";
import { beforeEach, describe, expect, it } from "vitest";
import { problemFrom } from "../api/problem.ts";
import type { SendOptions } from "./send-file.ts";
import { UploadQueue } from "./upload-queue.ts";

type Sending = SendOptions & { accept: () => void; fail: (error: Error) => void };

const accepted = { document: { id: "d" } } as unknown as AcceptedDocument;

let sendings: Sending[];
let acceptedCount: number;
let queue: UploadQueue;

beforeEach(() => {
  sendings = [];
  acceptedCount = 0;
  let keys = 0;
  queue = new UploadQueue({
    send: (options) =>
      new Promise((resolve, reject) => {
        options.signal.addEventListener("abort", () => reject(options.signal.reason as Error));
        sendings.push({ ...options, accept: () => resolve(accepted), fail: reject });
      }),
    refusalOf: (file) => (file.name.endsWith(".zip") ? "Unpack it." : undefined),
    onAccepted: () => (acceptedCount += 1),
    newKey: () => `key-${(keys += 1)}`,
  });
});

function file(name: string): File {
  return new File(["text"], name);
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
}

function states(): string[] {
  return queue.uploads.map(({ state }) => state);
}

describe("UploadQueue", () => {
  it("sends two files at once and the others after them", async () => {
    queue.add([file("a"), file("b"), file("c")]);
    expect(states()).toEqual(["sending", "sending", "waiting"]);

    sendings[0]!.accept();
    await settle();

    expect(sendings.map((sending) => sending.file.name)).toEqual(["a", "b", "c"]);
    expect(states()).toEqual(["sending", "sending"]);
    expect(acceptedCount).toBe(1);
  });

  it("keeps a refused file with its reason and sends the others", () => {
    queue.add([file("a.zip"), file("b")]);

    expect(queue.uploads.map(({ state, reason }) => [state, reason])).toEqual([
      ["refused", "Unpack it."],
      ["sending", undefined],
    ]);
  });

  it("reports how far a file is", () => {
    queue.add([file("a")]);

    sendings[0]!.onProgress(0.4);

    expect(queue.uploads[0]?.share).toBe(0.4);
  });

  it("sends a failed file again under the same key", async () => {
    queue.add([file("a")]);
    sendings[0]!.fail(new Error("The server does not answer."));
    await settle();
    expect(queue.uploads[0]).toMatchObject({ state: "failed", reason: "The server does not answer." });

    queue.retry("key-1");

    expect(sendings.map(({ idempotencyKey }) => idempotencyKey)).toEqual(["key-1", "key-1"]);
  });

  it("offers no second try for what the server has refused", async () => {
    queue.add([file("a")]);

    sendings[0]!.fail(problemFrom({ status: 415, body: '{"detail":"Not a PDF."}', retryAfter: null }));
    await settle();

    expect(queue.uploads[0]).toMatchObject({ state: "refused", reason: "Not a PDF." });
  });

  it("stops a cancelled file and goes on with the next", async () => {
    queue.add([file("a"), file("b"), file("c")]);

    queue.remove("key-1");
    await settle();

    expect(sendings[0]!.signal.aborted).toBe(true);
    expect(queue.uploads.map((upload) => upload.file.name)).toEqual(["b", "c"]);
    expect(states()).toEqual(["sending", "sending"]);
  });

  it("has one progress over all files that were added together, by their bytes", async () => {
    queue.add([new File(["x".repeat(300)], "a"), new File(["x".repeat(100)], "b"), file("no.zip")]);
    expect(queue.progress).toEqual({ files: 2, done: 0, share: 0 });

    sendings[0]!.onProgress(0.5);
    expect(queue.progress).toEqual({ files: 2, done: 0, share: 0.375 });

    sendings[0]!.accept();
    await settle();
    expect(queue.progress).toEqual({ files: 2, done: 1, share: 0.75 });

    sendings[1]!.accept();
    await settle();
    queue.add([file("c")]);
    expect(queue.progress).toMatchObject({ files: 1, done: 0 });
  });

  it("stops all at once and keeps what was refused", async () => {
    queue.add([file("a"), file("b"), file("c"), file("no.zip")]);

    queue.removeAll();
    await settle();

    expect(sendings.every(({ signal }) => signal.aborted)).toBe(true);
    expect(queue.uploads.map((upload) => upload.file.name)).toEqual(["no.zip"]);
    expect(sendings).toHaveLength(2);
  });
});
