import type { WorkflowNode, WorkflowNodeState, WorkflowPolicy } from "@millrace/contracts";
import { countOf, formatCount } from "../formatting/numbers.ts";

/** Fuller groups stand folded at first: their counts say enough. */
const openMembers = 12;

/** From what needs a look to what needs none. */
const countOrder: readonly WorkflowNodeState[] = [
  "failed",
  "running",
  "blocked",
  "cancelled",
  "skipped",
  "succeeded",
];

const countWords: Record<WorkflowNodeState, string> = {
  failed: "failed",
  running: "running",
  blocked: "to come",
  cancelled: "cancelled",
  skipped: "skipped",
  succeeded: "succeeded",
};

const policyWords: Record<WorkflowPolicy, string> = {
  stop: "stops at the first that fails",
  finish: "lets the others end when one fails",
  collect: "goes on whatever fails",
};

/** "Chain of 3 steps", "Map of invoices.send over 1,000 items". */
export function nodeTitle(node: WorkflowNode): string {
  switch (node.kind) {
    case "job":
      return node.task ?? "Job";
    case "chain":
      return `Chain of ${countOf(node.size, "step")}`;
    case "group":
      return `Group of ${countOf(node.size, "member")}`;
    case "chord":
      return "Chord";
    case "map":
      return `Map of ${node.task ?? "a task"}${node.size === 0 ? "" : ` over ${countOf(node.size, "item")}`}`;
  }
}

export type Child = {
  readonly node: WorkflowNode;
  /** Its place where that tells members apart, or which half of a chord it is. */
  readonly role: string | undefined;
};

/**
 * The members to show. Chains and chords keep their order; in large groups, whose members all run at
 * once, what needs a look comes first.
 */
export function childrenOf(parent: WorkflowNode): readonly Child[] {
  const isLarge = !isOpenAtFirst(parent);
  const children = parent.children.map((node, index) => ({
    node,
    role: roleOf(parent.kind, index, isLarge),
  }));
  if (!isLarge || parent.kind === "chain" || parent.kind === "chord") return children;
  return children.toSorted(
    (first, second) => countOrder.indexOf(first.node.state) - countOrder.indexOf(second.node.state),
  );
}

function roleOf(parent: WorkflowNode["kind"], index: number, isLarge: boolean): string | undefined {
  if (parent === "chord") return index === 0 ? "Joins" : "Then";
  return parent === "chain" || parent === "map" || isLarge ? String(index + 1) : undefined;
}

/** "2 failed, 5 running, 93 succeeded": how many members are in which state. */
export function countsText(counts: WorkflowNode["counts"]): string {
  if (counts === null) return "";
  return countOrder
    .flatMap((state) => {
      const count = counts[state] ?? 0;
      return count === 0 ? [] : [`${formatCount(count)} ${countWords[state]}`];
    })
    .join(", ");
}

/** Only of what runs several members at once, where it makes a difference. */
export function policyText(node: WorkflowNode): string | undefined {
  return node.policy === null ? undefined : policyWords[node.policy];
}

export function isOpenAtFirst(node: WorkflowNode): boolean {
  return node.size <= openMembers;
}

/** Members that the answer left out. */
export function hiddenMembers(node: WorkflowNode): number {
  return node.kind === "chord" ? 0 : Math.max(0, node.size - node.children.length);
}

/** Whether the job is in this part of the tree, so that it is shown unfolded. */
export function containsJob(node: WorkflowNode, jobId: string): boolean {
  return node.job_id === jobId || node.children.some((child) => containsJob(child, jobId));
}
