import type { CrewRunDetail, CrewRunShape, CrewRunTask, CrewUsageShape } from "@millrace/contracts";
import { formatDollars } from "../formatting/money.ts";
import { countOf, formatCount } from "../formatting/numbers.ts";
import { putOffWords } from "../jobs/put-off-words.ts";
import type { Figure } from "../parts/figure-list.tsx";
import type { CrewItem } from "./crew-live.ts";

/** Nobody knows it: never shown as 0. */
const unknown = "unknown";

export function tokenWords(count: number | null): string {
  return count === null ? unknown : formatCount(count);
}

export function costOfRun({ cost }: CrewUsageShape): string {
  return cost === null ? unknown : formatDollars(cost);
}

export function figuresOf(run: CrewRunShape): Figure[] {
  const { usage } = run;
  return [
    { label: "Tasks done", value: `${formatCount(run.tasks_done)} of ${formatCount(run.tasks_total)}` },
    { label: "Calls of models", value: formatCount(usage.model_calls) },
    {
      label: "Tokens",
      value: tokenWords(usage.total_tokens),
      note: `${tokenWords(usage.input_tokens)} read, ${tokenWords(usage.output_tokens)} written`,
    },
    { label: "Calls of tools", value: formatCount(usage.tool_calls) },
    {
      label: "Cost",
      value: costOfRun(usage),
      note: usage.cost === null ? "The price of a model is not known" : "Models and tools",
    },
  ];
}

/** "topic: mills, year: 2026": what tells runs of a crew apart. */
export function inputWords(inputs: CrewRunShape["inputs"]): string {
  const words = Object.entries(inputs)
    .map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(", ");
  if (words === "") return "Without inputs";
  return words.length > 120 ? `${words.slice(0, 120)}…` : words;
}

/** Whether nothing more happens by itself. */
export function isOver({ state }: Pick<CrewRunShape, "state">): boolean {
  return state === "succeeded" || state === "failed" || state === "cancelled" || state === "expired";
}

export type TaskStanding = "pending" | "running" | "asking" | "done" | "skipped" | "unfinished";

/** How a task stands: one that was begun and is not done says nothing of whether somebody works on it. */
export function standingOf(task: CrewRunTask, run: CrewRunDetail): TaskStanding {
  if (task.state !== "running") return task.state;
  if (isOver(run)) return "unfinished";
  return run.waiting_for?.task === task.task ? "asking" : "running";
}

/** Whether a new run can begin at this task: what came before it is there. */
export function canReplayFrom(task: CrewRunTask, run: CrewRunDetail): boolean {
  const before = run.tasks.slice(0, run.tasks.indexOf(task));
  return isOver(run) && before.every(({ state }) => state === "done" || state === "skipped");
}

/** What happened, by the task that it belongs to; the rest is the crew's own, such as its plan. */
export function itemsByTask(
  items: readonly CrewItem[],
  tasks: readonly CrewRunTask[],
): { readonly own: readonly CrewItem[]; readonly ofTask: (task: string) => readonly CrewItem[] } {
  const known = new Set(tasks.map(({ task }) => task));
  return {
    own: items.filter(({ task }) => !known.has(task)),
    ofTask: (task) => items.filter((item) => item.task === task),
  };
}

/** Why nothing happens in a run that has not ended; undefined when somebody works on it. */
export function waitWords({ state, reason, put_off: putOff }: CrewRunShape): string | undefined {
  switch (state) {
    case "queued":
      return "It waits for a free worker.";
    case "blocked":
      return "It waits for the jobs before it.";
    case "scheduled":
      if (putOff !== null) return putOffWords(putOff);
      if (reason === "retry") return "The last attempt failed. The next one goes on after what is recorded.";
      return reason === "snooze"
        ? "It waits: a limit or a budget is used up, or the model server is away. It goes on by itself."
        : "It begins later.";
    default:
      return undefined;
  }
}

/** What a turn took, in one line. */
export function turnWords(turn: Extract<CrewItem, { kind: "turn" }>): string {
  if (turn.state === "failed") return turn.errorCode ?? "failed";
  const parts = [
    turn.model,
    turn.isCached ? "stored answer" : undefined,
    turn.inputTokens === null && turn.outputTokens === null
      ? "tokens unknown"
      : `${tokenWords(turn.inputTokens)} read, ${tokenWords(turn.outputTokens)} written`,
    turn.cost === null ? "cost unknown" : formatDollars(turn.cost),
  ];
  return parts.filter((part) => part !== null && part !== undefined).join(" · ");
}

export function stepCount(items: readonly CrewItem[]): string {
  return countOf(items.length, "step");
}
