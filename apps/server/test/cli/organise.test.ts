import {
  collectionSchema,
  documentBulkResultSchema,
  documentSchema,
  tagCountSchema,
} from "@millrace/contracts";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { Flow } from "../flows/flow.ts";
import { runCommand, runJson as runJsonCommand } from "./command.ts";

/** Tags, collections and the trash by command, with a server on the folder. */
let flow: Flow;
let ids: string[];
beforeAll(async () => {
  flow = await Flow.start("embedded");
  const posted = [await flow.postText("The mill grinds."), await flow.postText("The river rises.")];
  ids = posted.map(({ document }) => document.id);
  for (const id of ids) await flow.settled(id);
});
afterAll(() => flow.stop());

const options = () => ({ folder: flow.folder, environment: { DATA_DIR: flow.folder } });
const run = (...words: string[]) => runCommand(words, options());
const runJson = <Schema extends z.ZodType>(schema: Schema, ...words: string[]) =>
  runJsonCommand(schema, words, options());
const listed = async (...marks: string[]) =>
  (await runJson(z.array(documentSchema), "documents", "ls", ...marks)).map(({ id }) => id);

it("gives documents tags and takes them away, by id and by mark", async () => {
  const [mill = "", river = ""] = ids;
  const tagged = await runJson(documentBulkResultSchema, "documents", "tag", "Old, stone", mill, river);
  const untagged = await run("documents", "untag", "stone", "--tag", "old", "--search", "no such title");
  await run("documents", "untag", "old", river);
  const tags = await runJson(z.array(tagCountSchema), "tags");

  expect(tagged).toMatchObject({ matched: 2, changed: 2, failed: 0 });
  expect(untagged).toMatchObject({ code: 0, stderr: "0 changed, 0 were so already, 0 failed\n" });
  expect(tags).toEqual(
    expect.arrayContaining([
      { tag: "stone", document_count: 2 },
      { tag: "old", document_count: 1 },
    ]),
  );
  expect(await listed("--tag", "old")).toEqual([mill]);
});

it("makes, fills, renames and deletes a collection", async () => {
  const [mill = ""] = ids;
  await runJson(collectionSchema, "collections", "create", "Old mills");
  const absent = await run("documents", "collect", "No such", mill);
  const put = await runJson(documentBulkResultSchema, "documents", "collect", "old mills", mill);
  const renamed = await runJson(collectionSchema, "collections", "rename", "Old mills", "Mills");
  const taken = await run("collections", "create", "mills");
  const inside = await listed("--collection", "mills");
  await run("documents", "uncollect", "Mills", mill);
  const removed = await run("collections", "rm", "Mills");

  expect(absent).toMatchObject({ code: 3, stderr: expect.stringContaining("collection_not_found") });
  expect(put.changed).toBe(1);
  expect(renamed).toMatchObject({ name: "Mills", document_count: 1 });
  expect(taken).toMatchObject({ code: 1, stderr: expect.stringContaining("collection_exists") });
  expect(inside).toEqual([mill]);
  expect(removed).toMatchObject({ code: 0, stderr: "Deleted Mills\n" });
  expect(await runJson(z.array(collectionSchema), "collections", "ls")).toEqual([]);
});

it("moves documents to the trash and back, and names those that are not there", async () => {
  const [mill = "", river = ""] = ids;
  const unsaid = await run("documents", "trash");
  await run("documents", "trash", mill);
  const partly = await run("documents", "trash", river, "0199aaaa-0000-7000-8000-000000000001");
  const inTrash = await listed("--trash");
  const restored = await runJson(documentBulkResultSchema, "documents", "restore", ...ids);

  expect(unsaid).toMatchObject({ code: 2, stderr: expect.stringContaining("--tag") });
  expect(partly).toMatchObject({ code: 3, stderr: expect.stringContaining("1 changed") });
  expect(inTrash.toSorted()).toEqual(ids.toSorted());
  expect(restored.changed).toBe(2);
  expect((await listed()).toSorted()).toEqual(ids.toSorted());
});
