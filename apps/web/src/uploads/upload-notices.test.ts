import { beforeEach, describe, expect, it } from "vitest";
import { tellUploadProblems } from "./upload-notices.ts";
import { UploadQueue } from "./upload-queue.ts";

let isListShown: boolean;
let told: { title: string; message: string; onClose: () => void }[];
let failures: ((error: Error) => void)[];
let uploads: UploadQueue;

beforeEach(() => {
  isListShown = false;
  told = [];
  failures = [];
  let keys = 0;
  uploads = new UploadQueue({
    send: () => new Promise((_resolve, reject) => failures.push(reject)),
    refusalOf: (file) => (file.name.endsWith(".zip") ? "Unpack it." : undefined),
    onAccepted: () => undefined,
    newKey: () => `key-${(keys += 1)}`,
  });
  tellUploadProblems({ uploads, isListShown: () => isListShown, show: (notice) => told.push(notice) });
});

function file(name: string): File {
  return new File(["text"], name);
}

async function fail(index: number): Promise<void> {
  failures[index]!(new Error("The server does not answer."));
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
}

describe("tellUploadProblems", () => {
  it("names the file that failed, and says why", async () => {
    uploads.add([file("a.pdf")]);

    await fail(0);

    expect(told).toMatchObject([{ title: "a.pdf was not added", message: "The server does not answer." }]);
  });

  it("names the file that is not even sent", () => {
    uploads.add([file("a.zip")]);

    expect(told).toMatchObject([{ title: "a.zip was not added", message: "Unpack it." }]);
  });

  it("makes one notice of several, each counted once", async () => {
    uploads.add([file("a.zip"), file("b.pdf"), file("c.zip")]);
    await fail(0);
    uploads.retry("key-2");
    await fail(1);

    expect(told.at(-1)?.title).toBe("a.zip and 2 other files were not added");
  });

  it("begins anew once the notice is closed", () => {
    uploads.add([file("a.zip")]);
    told[0]?.onClose();

    uploads.add([file("b.zip")]);

    expect(told.at(-1)?.title).toBe("b.zip was not added");
  });

  it("says nothing where the list is in sight, nor of what was cancelled", async () => {
    uploads.add([file("b.pdf")]);
    uploads.removeAll();
    await fail(0);
    isListShown = true;
    uploads.add([file("a.zip")]);

    expect(told).toEqual([]);
  });
});
