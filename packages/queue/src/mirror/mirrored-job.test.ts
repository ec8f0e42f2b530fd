import { expect, it } from "vitest";
import { versionOf } from "./mirrored-job.ts";

const base = { fence: 3, state: "running", eventSeq: 7, readAtMicros: 1_700_000_000_000_000 } as const;

// In the order in which they come, whatever the database's clock says.
const inOrder = [
  { ...base, fence: 2, state: "succeeded", eventSeq: 9, readAtMicros: base.readAtMicros + 5 },
  base,
  { ...base, readAtMicros: base.readAtMicros + 1 },
  { ...base, eventSeq: 10, readAtMicros: base.readAtMicros - 1 },
  { ...base, state: "failed", readAtMicros: base.readAtMicros - 2 },
  { ...base, fence: 4, state: "queued", eventSeq: 11, readAtMicros: base.readAtMicros - 3 },
  { ...base, fence: 10, eventSeq: 12, readAtMicros: base.readAtMicros - 4 },
] as const;

it("orders what was read of a job by claims and retries, ends, events and time", () => {
  const versions = inOrder.map(versionOf);

  expect(versions.toSorted()).toEqual(versions);
  expect(new Set(versions.map(({ length }) => length)).size).toBe(1);
});
