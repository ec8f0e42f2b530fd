import type { WorkflowNode } from "@millrace/contracts";
import { describe, expect, it } from "vitest";
import {
  childrenOf,
  containsJob,
  countsText,
  hiddenMembers,
  isOpenAtFirst,
  nodeTitle,
} from "./tree-words.ts";

function node(changes: Partial<WorkflowNode>): WorkflowNode {
  return {
    number: 0,
    kind: "group",
    state: "running",
    task: null,
    job_id: null,
    job_state: null,
    policy: null,
    error: null,
    size: 0,
    counts: null,
    children: [],
    ...changes,
  };
}

describe("nodeTitle", () => {
  it("says what it is and how large", () => {
    expect(nodeTitle(node({ kind: "chain", size: 1 }))).toBe("Chain of 1 step");
    expect(nodeTitle(node({ kind: "map", task: "mails.send", size: 3 }))).toBe(
      "Map of mails.send over 3 items",
    );
  });

  it("says nothing of the items of a map that has not been given any", () => {
    expect(nodeTitle(node({ kind: "map", task: "mails.send", size: 0 }))).toBe("Map of mails.send");
  });
});

describe("countsText", () => {
  it("names what needs a look first, and no state that nothing is in", () => {
    expect(countsText({ succeeded: 93, failed: 2, running: 5, blocked: 0 })).toBe(
      "2 failed, 5 running, 93 succeeded",
    );
  });

  it("is empty for a job", () => {
    expect(countsText(null)).toBe("");
  });
});

describe("large groups", () => {
  it("stand folded, and say how many members are not shown", () => {
    const large = node({ size: 1000, children: [node({}), node({})] });

    expect(isOpenAtFirst(large)).toBe(false);
    expect(hiddenMembers(large)).toBe(998);
  });
});

describe("childrenOf", () => {
  const states = (parent: WorkflowNode) => childrenOf(parent).map((child) => [child.role, child.node.state]);
  const children = [node({ state: "succeeded" }), node({ state: "failed" })];

  it("numbers the steps of a chain and names the two halves of a chord", () => {
    expect(states(node({ kind: "chain", size: 2, children }))).toEqual([
      ["1", "succeeded"],
      ["2", "failed"],
    ]);
    expect(states(node({ kind: "chord", size: 2, children }))).toEqual([
      ["Joins", "succeeded"],
      ["Then", "failed"],
    ]);
  });

  it("shows first what failed in a large group, and keeps the numbers", () => {
    expect(states(node({ kind: "group", size: 100, children }))).toEqual([
      ["2", "failed"],
      ["1", "succeeded"],
    ]);
  });

  it("leaves a small group as it was written", () => {
    expect(states(node({ kind: "group", size: 2, children }))).toEqual([
      [undefined, "succeeded"],
      [undefined, "failed"],
    ]);
  });
});

describe("containsJob", () => {
  it("finds a job at any depth", () => {
    const tree = node({
      children: [node({ kind: "chain", children: [node({ kind: "job", job_id: "j" })] })],
    });

    expect([containsJob(tree, "j"), containsJob(tree, "k")]).toEqual([true, false]);
  });
});
