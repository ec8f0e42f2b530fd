import type { JsonValue } from "@millrace/kernel";
import type { z } from "zod";
import type { CrewProblem } from "../errors.ts";
import type { Tool, ToolContext } from "../tools/tool.ts";
import type { ToolFailurePolicy } from "./key-shapes.ts";

export type CrewInputs = Readonly<Record<string, JsonValue>>;

/** What a task came to. JSON. */
export type TaskOutput = {
  /** The task's key in `tasks.yaml`. */
  readonly task: string;
  /** Its `name`, else its key. */
  readonly name: string;
  readonly description: string;
  readonly expected_output: string;
  /** The role of the agent that answered. */
  readonly agent: string;
  readonly raw: string;
  /** The value of the task's schema; null without one. */
  readonly json: JsonValue;
  readonly output_file: string | null;
  /** Its condition was not met: nobody worked on it. */
  readonly skipped: boolean;
};

/** Where a callback is called, and what it is given. */
export type CallbackOccasion =
  | { readonly kind: "before_kickoff"; readonly inputs: CrewInputs }
  | {
      readonly kind: "step";
      readonly task: string;
      readonly agent: string;
      readonly text: string;
      readonly tools: readonly string[];
    }
  | { readonly kind: "task"; readonly output: TaskOutput }
  | { readonly kind: "after_kickoff"; readonly raw: string; readonly json: JsonValue };

/**
 * Called once for each occasion, as a durable step. Before the kickoff it may return other inputs, after it
 * another text as the result; what it returns elsewhere is not used.
 */
export type CrewCallback = (occasion: CallbackOccasion, context: ToolContext) => unknown;

/** `value`: a text that takes the place of the output. `problem` is what the agent is told. */
export type GuardrailVerdict =
  | { readonly ok: true; readonly value?: string }
  | { readonly ok: false; readonly problem: string };
export type GuardrailCheck = (
  output: TaskOutput,
  context: ToolContext,
) => GuardrailVerdict | Promise<GuardrailVerdict>;

/** Whether a task is worked on, given the output before it. */
export type CrewCondition = (previous: TaskOutput, context: ToolContext) => boolean | Promise<boolean>;

/** What the names in a crew's files mean. */
export type CrewRegistries = {
  readonly tools: Readonly<Record<string, Tool>>;
  readonly schemas: Readonly<Record<string, z.ZodType>>;
  readonly callbacks: Readonly<Record<string, CrewCallback>>;
  readonly guardrails: Readonly<Record<string, GuardrailCheck>>;
  readonly conditions: Readonly<Record<string, CrewCondition>>;
  /** What `llm` may say, such as `openai/gpt-4o`, and the endpoint that is asked then. */
  readonly models: Readonly<Record<string, string>>;
};

export type Named<Value> = { readonly name: string; readonly value: Value };

export type Guardrail = {
  readonly retries: number;
} & (
  | { readonly kind: "judged"; readonly criteria: string }
  | { readonly kind: "function"; readonly name: string; readonly check: GuardrailCheck }
);

export type CrewAgent = {
  /** Its key in `agents.yaml`. */
  readonly name: string;
  readonly role: string;
  readonly goal: string;
  readonly backstory: string;
  /** The endpoint to ask; null: that of the installation. */
  readonly model: string | null;
  readonly tools: readonly Tool[];
  readonly mayDelegate: boolean;
  readonly maxTurns: number;
  readonly maxRequestsPerMinute: number | null;
  readonly maxSeconds: number | null;
  readonly retries: number;
  readonly maxOutputTokens: number | null;
  readonly hasCache: boolean;
  readonly stepCallbacks: readonly Named<CrewCallback>[];
  readonly templates: AgentTemplates | null;
  readonly hasSystemPrompt: boolean;
  readonly shortensContext: boolean;
  /** How often it may think over its plan before a task; 0: it makes none. */
  readonly planAttempts: number;
  /** Of strftime; null: it is not told the date. */
  readonly dateFormat: string | null;
  readonly guardrail: Guardrail | null;
  readonly toolFailurePolicy: ToolFailurePolicy;
};

export type AgentTemplates = {
  readonly system: string;
  readonly prompt: string;
  readonly response: string | null;
};

export type CrewTask = {
  /** Its key in `tasks.yaml`. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly expectedOutput: string;
  /** Null only in a hierarchical crew. */
  readonly agent: string | null;
  /** The tasks whose outputs it is given; null: all before it. */
  readonly context: readonly string[] | null;
  /** In place of those of its agent, when there are any. */
  readonly tools: readonly Tool[];
  readonly callbacks: readonly Named<CrewCallback>[];
  readonly schema: Named<z.ZodType> | null;
  readonly outputFile: string | null;
  readonly isAsync: boolean;
  readonly asksPerson: boolean;
  readonly isMarkdown: boolean;
  readonly guardrails: readonly Guardrail[];
  /** Whether the trigger's payload is added to it; null: to the first task only. */
  readonly takesTrigger: boolean | null;
  readonly toolFailurePolicy: ToolFailurePolicy | null;
  readonly condition: Named<CrewCondition> | null;
};

/** A crew that can be run: every name in its files is resolved. */
export type Crew = {
  readonly name: string;
  readonly title: string;
  readonly description: string | null;
  readonly process: "sequential" | "hierarchical";
  readonly agents: readonly CrewAgent[];
  readonly tasks: readonly CrewTask[];
  /** Present in a hierarchical crew. */
  readonly manager: CrewAgent | null;
  readonly hasCache: boolean;
  readonly maxRequestsPerMinute: number | null;
  /** The planner's endpoint; null: that of the installation. */
  readonly planner: { readonly model: string | null } | null;
  readonly taskCallbacks: readonly Named<CrewCallback>[];
  readonly stepCallbacks: readonly Named<CrewCallback>[];
  readonly beforeKickoff: readonly Named<CrewCallback>[];
  readonly afterKickoff: readonly Named<CrewCallback>[];
  /** The variables in its texts, in the order of their first use. */
  readonly inputs: readonly { readonly name: string; readonly default?: JsonValue }[];
  readonly defaults: CrewInputs;
  /** Keys that have no effect here, and why. */
  readonly warnings: readonly CrewProblem[];
  /** Changes with its files: what a run has recorded fits only the same files. */
  readonly fingerprint: string;
};
