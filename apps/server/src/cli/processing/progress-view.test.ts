import { expect, it } from "vitest";
import { createLineView } from "./progress-view.ts";
import type { FileProgress } from "./progress-view.ts";

const running: FileProgress = { name: "a.txt", state: "running", percent: 50, stage: null, message: "m" };

it("tells one progress over several files when each ends", () => {
  const lines: string[] = [];
  const view = createLineView({ write: (text) => lines.push(text) }, 4);

  view.change(0, running);
  view.change(1, { ...running, state: "done", message: "completed" });
  view.drop(2);
  view.change(0, { ...running, state: "failed", message: "failed" });

  expect(lines.filter((line) => line.includes(" of "))).toEqual([
    "1 of 4 files, 37 %\n",
    "2 of 4 files, 62 %\n",
    "3 of 4 files, 75 %\n",
  ]);
});

it("says nothing more of a single file", () => {
  const lines: string[] = [];
  const view = createLineView({ write: (text) => lines.push(text) }, 1);

  view.change(0, { ...running, state: "done", message: "completed" });

  expect(lines).toEqual(["a.txt  completed\n"]);
});
