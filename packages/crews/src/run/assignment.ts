import type { JsonValue } from "@millrace/kernel";
import type { z } from "zod";
import type { CrewAgent, Named } from "../definition/crew.ts";
import type { ToolFailurePolicy } from "../definition/key-shapes.ts";
import type { Tool } from "../tools/tool.ts";
import type { TurnCap } from "./run-state.ts";
import type { Stopwatch } from "./stopwatch.ts";

/** A piece of work for one agent: a task, or what a coworker has handed on. */
export type Assignment = {
  /** Under it lie the keys of all its steps. */
  readonly key: string;
  /** The task of the crew that it belongs to. */
  readonly task: string;
  readonly agent: CrewAgent;
  /** What is to be done, as the agent is told it. */
  readonly text: string;
  readonly context: string;
  readonly tools: readonly Tool[];
  /** Whom it may hand work on to; nobody when this work was handed on too often already. */
  readonly coworkers: readonly CrewAgent[];
  /** How often this work was handed on already. */
  readonly depth: number;
  readonly toolFailurePolicy: ToolFailurePolicy;
  readonly schema: Named<z.ZodType> | null;
  readonly asksPerson: boolean;
  /** Why a guardrail did not take what this is done again for, for the person; null the first time. */
  readonly refusal: string | null;
  readonly cap: TurnCap;
  /** Of those who wait for it. */
  readonly watches: readonly Stopwatch[];
  /** What tools gave for equal input within the task; null: each call is made. */
  readonly known: Map<string, string> | null;
};

/** What an agent answered; `json` is null without a schema. */
export type Answer = { readonly text: string; readonly json: JsonValue };

export type DoWork = (assignment: Assignment) => Promise<Answer>;
