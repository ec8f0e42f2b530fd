import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { endingDocuments } from "./ending-documents.ts";

describe.each(testDatabases())("the end of a document, on $name", (kind) => {
  let opened: TestDatabase;
  beforeAll(async () => {
    opened = await kind.open();
  });
  afterAll(() => opened.close());

  const noPart = { code: "analysis_failed", message: "No part of the analysis could be made." };
  const damaged = { code: "file_damaged", message: "The file is damaged." };

  it.each([
    {
      what: "completed when the part that was missing has been made meanwhile",
      done: ["key_points", "sentiment", "topics"] as const,
      found: "partial" as const,
      told: { type: "document.completed", status: "completed" },
      status: "completed",
    },
    {
      what: "partial when one part has been made meanwhile, after none could be",
      done: [] as const,
      found: noPart,
      told: { type: "document.completed", status: "partial" },
      status: "partial",
    },
    {
      what: "failed when it failed for another reason than its parts",
      done: ["key_points", "sentiment", "topics"] as const,
      found: damaged,
      told: { type: "document.failed", status: undefined },
      status: "failed",
    },
  ])("is $what", async ({ done, found, told, status }) => {
    const documents = endingDocuments(opened.database);
    const document = await documents.begin(done);
    await documents.queue.transaction((scope) => documents.remake(scope, document));

    await documents.queue.transaction((scope) => documents.end(scope, document, found));

    expect(await documents.statusOf(document.id)).toBe(status);
    expect(documents.told.at(-1)).toEqual(told);
  });

  it("is partial, and failed, while the part is not there", async () => {
    const documents = endingDocuments(opened.database);
    const [some, none] = [await documents.begin(["topics"]), await documents.begin([])];

    await documents.queue.transaction((scope) => documents.end(scope, some, "partial"));
    await documents.queue.transaction((scope) => documents.end(scope, none, noPart));

    expect(await documents.statusOf(some.id)).toBe("partial");
    expect(await documents.statusOf(none.id)).toBe("failed");
  });
});
