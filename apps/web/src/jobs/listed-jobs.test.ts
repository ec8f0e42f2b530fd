import { describe, expect, it } from "vitest";
import { testJob } from "../../test/sample-job.ts";
import { withFresh } from "./listed-jobs.ts";

const [third, second, first] = ["3", "2", "1"].map((id) => testJob({ id, state: "failed" })) as [
  ReturnType<typeof testJob>,
  ReturnType<typeof testJob>,
  ReturnType<typeof testJob>,
];

describe("withFresh", () => {
  it("changes rows where they are and only counts what is new", () => {
    const changed = testJob({ id: "1", state: "running" });

    const { rows, newCount } = withFresh([second, first], { jobs: [third, second, changed], isWhole: true });

    expect(rows.map(({ job }) => [job.id, job.state])).toEqual([
      ["2", "failed"],
      ["1", "running"],
    ]);
    expect(newCount).toBe(1);
  });

  it("keeps the place of a job that left the list", () => {
    const { rows } = withFresh([third, second, first], { jobs: [third, first], isWhole: true });

    expect(rows.map(({ hasLeft }) => hasLeft)).toEqual([false, true, false]);
  });

  it("does not take jobs beyond the end of an answer for gone", () => {
    const { rows } = withFresh([third, second, first], { jobs: [third, second], isWhole: false });

    expect(rows.map(({ hasLeft }) => hasLeft)).toEqual([false, false, false]);
  });

  it("counts all as new while the list is empty", () => {
    expect(withFresh([], { jobs: [second, first], isWhole: true }).newCount).toBe(2);
  });
});
