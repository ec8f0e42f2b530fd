import type { Clock, JsonValue } from "@millrace/kernel";
import type { TurnRequest, TurnResult } from "@millrace/models";

export const crewEventTypes = [
  "crew.started",
  "crew.plan_made",
  "crew.task_started",
  "crew.task_skipped",
  "crew.task_completed",
  "crew.task_failed",
  "crew.turn_started",
  "crew.agent_turn",
  "crew.tool_started",
  "crew.tool_called",
  "crew.work_delegated",
  "crew.guardrail_checked",
  "crew.person_asked",
  "crew.person_answered",
  "crew.completed",
] as const;

export type CrewEvent = {
  readonly type: (typeof crewEventTypes)[number];
  readonly data: Readonly<Record<string, JsonValue>>;
};

/** A piece of text as the model writes it. After `reset` the turn's text begins anew. */
export type CrewText = {
  readonly task: string;
  readonly agent: string;
  /** The key of the turn that it belongs to. */
  readonly step: string;
  readonly text: string;
  readonly reset: boolean;
};

/** What a person is asked about a task that has `human_input`. */
export type PersonQuestion = {
  readonly task: string;
  readonly agent: string;
  /** The agent's answer, which the person judges. */
  readonly output: string;
  /** Why a guardrail did not take the output that the person was asked about before; null when none did. */
  readonly refusal: string | null;
};

export type CrewFile = { readonly path: string; readonly text: string; readonly task: string };

/** What a run needs of the job around it. A plain object: it is copied. */
export type CrewRuntime = {
  /** The guarded call of a model, as `models.turn`. */
  readonly turn: (request: TurnRequest) => Promise<TurnResult>;
  /**
   * Runs a part once for the life of the run: a recorded value is given back without running again. `events`
   * are told with the record, so once too. Keys have at most 200 characters. Values survive JSON.
   */
  readonly step: <Value>(
    key: string,
    run: (signal: AbortSignal) => Promise<Value>,
    options?: { readonly events?: (value: Value) => readonly CrewEvent[] },
  ) => Promise<Value>;
  /** Tells those who watch what begins now. Not recorded: told again when the part is begun again. */
  readonly emit: (event: CrewEvent) => void;
  readonly onText?: (piece: CrewText) => void;
  /**
   * The recorded answer of a person; while there is none it notes the question and throws what ends the
   * attempt without counting it. Blank: the output is accepted.
   */
  readonly waitForPerson: (key: string, question: PersonQuestion) => Promise<string>;
  /** Keeps an output file with the run. Called within a step, again when its process died meanwhile: the same path is replaced. */
  readonly saveFile: (file: CrewFile) => Promise<void>;
  /** Waits for a limit per minute, at most 60 s. A worker's own may throw what puts the job off instead. */
  readonly pause: (durationMs: number, signal: AbortSignal) => Promise<void>;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Whom tools work for. Never taken from what a model says. */
  readonly scope: { readonly owner: string | null; readonly job: string };
  /** What the tools of this run may need. */
  readonly permissions: readonly string[];
};
