import fc from "fast-check";
import { expect, it } from "vitest";
import { z } from "zod";
import { jobKeys } from "./job-keys.ts";
import { defineTask } from "./task.ts";

const plain = defineTask({ name: "tests.read_keys", input: z.object({ key: z.string() }), output: z.null() });
const keyed = {
  limitKey: ({ key }: { key: string }) => key,
  unique: ({ key }: { key: string }) => `u:${key}`,
};

it("has none where the task says nothing", () => {
  expect(jobKeys(plain, { key: "a" })).toEqual({ limitKey: null, uniqueKey: null });
});

it("asks the task for them", () => {
  expect(jobKeys(keyed, { key: "openai" })).toEqual({ limitKey: "openai", uniqueKey: "u:openai" });
});

it("keeps what it stores short and free of what PostgreSQL refuses, and different keys apart", () => {
  const key = fc.oneof(
    fc.string({ unit: "binary", maxLength: 500 }),
    fc.constantFrom("\0", "a\0", "\ud800", "x".repeat(201), "sha256:"),
  );
  fc.assert(
    fc.property(key, key, (first, second) => {
      const [one, other] = [jobKeys(keyed, { key: first }), jobKeys(keyed, { key: second })];

      expect(one.limitKey!.length).toBeLessThanOrEqual(200);
      expect(one.limitKey!.includes("\0")).toBe(false);
      expect(one.limitKey!.isWellFormed()).toBe(true);
      expect(one.limitKey === other.limitKey).toBe(first === second);
    }),
  );
});

it("does not take a key for the hash of another", () => {
  const long = "x".repeat(300);
  const hash = jobKeys(keyed, { key: long }).limitKey!;

  expect(jobKeys(keyed, { key: hash }).limitKey).not.toBe(hash);
});
