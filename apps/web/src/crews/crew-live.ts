import type { TopicEvent } from "../live/watched-topic.ts";
import type { AsksFor } from "../live/renewal-times.ts";
import { flag, number, text, texts } from "./event-fields.ts";

type Place = {
  /** With `kind`, what one item is known by: an item that begins anew takes its own place. */
  readonly step: string;
  readonly task: string;
  /** A role. */
  readonly agent: string;
  readonly at: string;
};

/** `stopped`: it was under way when the run waited, failed or was cancelled. */
type Begun = "running" | "stopped";

/** One call of a model. */
export type TurnItem = Place & {
  readonly kind: "turn";
  readonly state: Begun | "answered" | "failed";
  /** As far as it is written; shortened once it is recorded. */
  readonly text: string;
  readonly tools: readonly string[];
  readonly model: string | null;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly cost: number | null;
  readonly isCached: boolean;
  readonly latencyMs: number | null;
  readonly errorCode: string | null;
};

export type ToolItem = Place & {
  readonly kind: "tool";
  readonly tool: string;
  readonly state: Begun | "done" | "failed" | "refused";
  readonly input: string | null;
  readonly output: string | null;
  readonly latencyMs: number | null;
};

export type CrewItem =
  | TurnItem
  | ToolItem
  | (Place & { readonly kind: "delegation"; readonly coworker: string; readonly text: string })
  | (Place & { readonly kind: "guardrail"; readonly name: string; readonly problem: string | null })
  | (Place & { readonly kind: "question"; readonly feedback: string | undefined })
  | (Place & { readonly kind: "failure"; readonly code: string; readonly message: string });

/** What the events of a run have told, the oldest first. */
export type CrewNews = {
  readonly items: readonly CrewItem[];
  /** Whether the beginning of the run is among it. */
  readonly hasStart: boolean;
};

export const noCrewNews: CrewNews = { items: [], hasStart: false };

/** A run is bounded by its own limits; this keeps a page usable if they are set high. */
const maxItems = 2000;
/** Of a text that is being written, the end is what one reads. */
const maxLiveText = 20_000;

/** What follows the run itself and records nothing that the API would tell anew. */
const passing = /^crew\.(text_written|turn_started|tool_started)$|\.(progressed|logged)$/;
/** Steps of a task: the news tell them, and the API adds them up. */
const steps = /^crew\.(agent_turn|tool_called|work_delegated|guardrail_checked)$/;
/** The job ends, pauses or begins anew: nothing is under way then. */
const halting =
  /^(crew_run|job)\.(queued|put_off|retry_scheduled|waiting|failed|cancelled|completed|succeeded|expired)$/;

/** Applies events of a run's stream. `asksFor`: what one of them told of that the API has to be asked for. */
export function applyCrewEvents(
  news: CrewNews,
  events: readonly TopicEvent[],
): { readonly news: CrewNews; readonly asksFor: AsksFor } {
  const items = [...news.items];
  let { hasStart } = news;
  for (const event of events) {
    if (event.type === "crew.started") hasStart = true;
    if (halting.test(event.type)) stopAll(items);
    else applyEvent(items, event);
  }
  return {
    news: { items: items.slice(-maxItems), hasStart },
    asksFor: askedFor(events),
  };
}

function askedFor(events: readonly TopicEvent[]): AsksFor {
  const telling = events.filter(({ type }) => !passing.test(type));
  if (telling.length === 0) return "nothing";
  return telling.every(({ type }) => steps.test(type)) ? "steps" : "state";
}

function applyEvent(items: CrewItem[], { type, data, at }: TopicEvent): void {
  const place = {
    step: text(data.step) ?? "",
    task: text(data.task) ?? "",
    agent: text(data.agent) ?? "",
    at,
  };
  switch (type) {
    case "crew.turn_started":
      return put(items, newTurn(place));
    case "crew.text_written":
      return put(items, withText(findTurn(items, place.step) ?? newTurn(place), data));
    case "crew.agent_turn":
      return put(items, recordedTurn(findTurn(items, place.step) ?? newTurn(place), data));
    case "crew.tool_started":
      return put(items, newTool(place, data));
    case "crew.tool_called":
      return put(items, recordedTool(place, data));
    case "crew.work_delegated":
      return put(items, {
        ...place,
        kind: "delegation",
        coworker: text(data.coworker) ?? "",
        text: text(data.text) ?? "",
      });
    case "crew.guardrail_checked":
      return put(items, {
        ...place,
        kind: "guardrail",
        name: text(data.guardrail) ?? "",
        problem: data.passed === true ? null : (text(data.problem) ?? "It was not accepted."),
      });
    case "crew.person_asked":
      return put(items, { ...place, kind: "question", feedback: undefined });
    case "crew.person_answered":
      return put(items, { ...place, kind: "question", feedback: text(data.feedback) ?? "" });
    case "crew.task_failed":
      return put(items, {
        ...place,
        step: `${place.task} ${at}`,
        kind: "failure",
        code: text(data.error_code) ?? "",
        message: text(data.message) ?? "",
      });
    default:
  }
}

function put(items: CrewItem[], item: CrewItem): void {
  const index = items.findLastIndex(({ kind, step }) => kind === item.kind && step === item.step);
  if (index === -1) items.push(item);
  else items[index] = item;
}

function findTurn(items: readonly CrewItem[], step: string): TurnItem | undefined {
  const found = items.findLast((item) => item.kind === "turn" && item.step === step);
  return found?.kind === "turn" ? found : undefined;
}

function newTurn(place: Place): TurnItem {
  return {
    ...place,
    kind: "turn",
    state: "running",
    text: "",
    tools: [],
    model: null,
    inputTokens: null,
    outputTokens: null,
    cost: null,
    isCached: false,
    latencyMs: null,
    errorCode: null,
  };
}

/** Text that comes late does not change what is recorded. */
function withText(turn: TurnItem, data: TopicEvent["data"]): TurnItem {
  if (turn.state === "answered" || turn.state === "failed") return turn;
  const before = data.reset === true ? "" : turn.text;
  return { ...turn, state: "running", text: `${before}${text(data.text) ?? ""}`.slice(-maxLiveText) };
}

function recordedTurn(turn: TurnItem, data: TopicEvent["data"]): TurnItem {
  const hasFailed = data.outcome === "failed";
  return {
    ...turn,
    state: hasFailed ? "failed" : "answered",
    text: hasFailed ? turn.text : (text(data.text) ?? ""),
    tools: texts(data.tools),
    model: text(data.model),
    inputTokens: number(data.input_tokens),
    outputTokens: number(data.output_tokens),
    cost: number(data.cost),
    isCached: flag(data.cached),
    latencyMs: number(data.latency_ms),
    errorCode: text(data.error_code),
  };
}

function newTool(place: Place, data: TopicEvent["data"]): ToolItem {
  return {
    ...place,
    kind: "tool",
    tool: text(data.tool) ?? "",
    state: "running",
    input: null,
    output: null,
    latencyMs: null,
  };
}

function recordedTool(place: Place, data: TopicEvent["data"]): ToolItem {
  const { outcome } = data;
  return {
    ...newTool(place, data),
    state: outcome === "failed" || outcome === "refused" ? outcome : "done",
    input: text(data.input),
    output: text(data.output),
    latencyMs: number(data.latency_ms),
  };
}

function stopAll(items: CrewItem[]): void {
  for (const [index, item] of items.entries()) {
    if ("state" in item && item.state === "running") items[index] = { ...item, state: "stopped" };
  }
}

/** Who does something just now, and what. */
export type Worker = Place & { readonly tool: string | undefined; readonly isWriting: boolean };

export function workersOf({ items }: CrewNews): Worker[] {
  return items.flatMap((item): Worker[] => {
    if (!("state" in item) || item.state !== "running") return [];
    const { step, task, agent, at } = item;
    return item.kind === "tool"
      ? [{ step, task, agent, at, tool: item.tool, isWriting: false }]
      : [{ step, task, agent, at, tool: undefined, isWriting: item.text !== "" }];
  });
}
