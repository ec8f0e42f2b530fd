import type { WorkflowNode } from "@millrace/contracts";
import { describe, expect, it } from "vitest";
import { childRole, containsJob, countsText, hiddenMembers, isOpenAtFirst, nodeTitle } from "./tree-words.ts";

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

describe("childRole", () => {
  it("numbers the steps of a chain and names the two halves of a chord", () => {
    const chain = node({ kind: "chain" });
    const chord = node({ kind: "chord" });

    expect([childRole(chain, 1), childRole(chord, 0), childRole(chord, 1)]).toEqual(["2", "Joins", "Then"]);
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
