import { z } from "zod";
import { idSchema, jsonValueSchema, momentSchema, pageQuerySchema } from "./common.ts";
import { jobErrorSchema, jobSchema, jobStateSchema, putOffSchema } from "./job.ts";

/** The name of a crew: of its folder. */
export const crewNameSchema = z
  .string()
  .max(200)
  .regex(/^[A-Za-z0-9][\w-]*$/, "is the name of no crew: letters, digits, _ and -");

export const crewAgentSchema = z.object({
  /** Its key in `agents.yaml`. */
  name: z.string(),
  role: z.string(),
  goal: z.string(),
  /** The endpoint that it asks; null: that of the installation. */
  model: z.string().nullable(),
  tools: z.array(z.string()),
  may_delegate: z.boolean(),
});
export type CrewAgentShape = z.infer<typeof crewAgentSchema>;

export const crewTaskSchema = z.object({
  /** Its key in `tasks.yaml`. */
  name: z.string(),
  title: z.string(),
  description: z.string(),
  expected_output: z.string(),
  /** The key of its agent; null: the manager hands it to one. */
  agent: z.string().nullable(),
  /** The tasks whose outputs it is given; null: all before it. */
  context: z.array(z.string()).nullable(),
  tools: z.array(z.string()),
  is_async: z.boolean(),
  /** Whether a person judges its output. */
  human_input: z.boolean(),
});
export type CrewTaskShape = z.infer<typeof crewTaskSchema>;

/** A variable in the texts of a crew. One without a default must be given. */
export const crewInputSchema = z.object({
  name: z.string(),
  required: z.boolean(),
  /** Null when it has none. */
  default: jsonValueSchema,
});

/** Something in a crew's files that has no effect, or that is wrong. */
export const crewProblemSchema = z.object({
  /** File, line and key, as `crews/news/agents.yaml:12: researcher.verbose`. */
  place: z.string(),
  message: z.string(),
});

export const crewSchema = z
  .object({
    name: crewNameSchema,
    title: z.string(),
    description: z.string().nullable(),
    process: z.enum(["sequential", "hierarchical"]),
    inputs: z.array(crewInputSchema),
    agents: z.array(crewAgentSchema),
    /** Of a hierarchical crew. */
    manager: crewAgentSchema.nullable(),
    tasks: z.array(crewTaskSchema),
    warnings: z.array(crewProblemSchema),
    /** Why it can't be used: then inputs, agents and tasks are empty. */
    error: jobErrorSchema.extend({ problems: z.array(crewProblemSchema) }).nullable(),
    links: z.object({ self: z.string(), runs: z.string() }),
  })
  .meta({ id: "Crew" });
export type CrewShape = z.infer<typeof crewSchema>;

/** `POST /api/crews/{name}/runs` */
export const newCrewRunSchema = z
  .strictObject({
    inputs: z.record(z.string().min(1).max(200), jsonValueSchema).default({}),
    priority: z.int().min(0).max(9).optional(),
    tags: z.array(z.string().max(200)).max(50).optional(),
  })
  .meta({ id: "NewCrewRun" });
export type NewCrewRun = z.input<typeof newCrewRunSchema>;

/** `POST /api/crews/{name}/runs/{id}/replay`: a new run that takes over the outputs of the tasks before this one. */
export const replayCrewRunSchema = z
  .strictObject({ from_task: z.string().min(1).max(200) })
  .meta({ id: "ReplayCrewRun" });
export type ReplayCrewRun = z.infer<typeof replayCrewRunSchema>;

/** `POST /api/crews/{name}/runs/{id}/answer` */
export const answerCrewRunSchema = z
  .strictObject({
    /** `waiting_for.key` of the run: an answer to a question that is no longer asked is refused. */
    key: z.string().min(1).max(200),
    /** Empty: the output is accepted. Otherwise what has to change. */
    answer: z.string().max(20_000),
  })
  .meta({ id: "AnswerCrewRun" });
export type AnswerCrewRun = z.infer<typeof answerCrewRunSchema>;

const count = z.number();

/** Numbers that a server did not give make the sum unknown: null. */
export const crewUsageSchema = z.object({
  model_calls: count,
  input_tokens: count.nullable(),
  output_tokens: count.nullable(),
  total_tokens: count.nullable(),
  tool_calls: count,
  /** US dollars. */
  cost: count.nullable(),
});
export type CrewUsageShape = z.infer<typeof crewUsageSchema>;

/** What a person is asked. The run goes on with `POST /api/crews/{name}/runs/{id}/answer`. */
export const crewQuestionSchema = z.object({
  key: z.string(),
  question: z.string(),
  task: z.string(),
  /** The role of the agent that answered. */
  agent: z.string(),
  /** What the agent gave, which the person judges. */
  output: z.string(),
  since: momentSchema,
});
export type CrewQuestion = z.infer<typeof crewQuestionSchema>;

export const crewRunSchema = z
  .object({
    id: idSchema,
    crew: z.string(),
    /** Of its job, which does the work. */
    state: jobStateSchema,
    display_state: jobSchema.shape.display_state,
    /** Why a scheduled run waits: `retry`, `snooze`, … */
    reason: z.string().nullable(),
    attempt: z.int(),
    inputs: z.record(z.string(), jsonValueSchema),
    job_id: idSchema,
    /** The run that it repeats, and the task where it began. */
    replay_of: idSchema.nullable(),
    replay_from: z.string().nullable(),
    tasks_total: z.int(),
    tasks_done: z.int(),
    created_at: momentSchema,
    started_at: momentSchema.nullable(),
    finished_at: momentSchema.nullable(),
    error: jobErrorSchema.nullable(),
    /** Why it waits and until when: a limit, a budget, a server that is away, or a try that failed. */
    put_off: putOffSchema.nullable(),
    /** So far; of turns and calls of tools that are recorded. */
    usage: crewUsageSchema,
    waiting_for: crewQuestionSchema.nullable(),
    links: z.object({
      self: z.string(),
      crew: z.string(),
      job: z.string(),
      events: z.string(),
      cancel: z.string(),
      answer: z.string(),
      replay: z.string(),
    }),
  })
  .meta({ id: "CrewRun" });
export type CrewRunShape = z.infer<typeof crewRunSchema>;

export const crewTaskOutputSchema = z.object({
  /** The task's key in `tasks.yaml`. */
  task: z.string(),
  name: z.string(),
  description: z.string(),
  expected_output: z.string(),
  /** The role of the agent that answered. */
  agent: z.string(),
  raw: z.string(),
  /** The value of the task's schema; null without one. */
  json: jsonValueSchema,
  output_file: z.string().nullable(),
  skipped: z.boolean(),
});
export type CrewTaskOutput = z.infer<typeof crewTaskOutputSchema>;

export const crewRunFileSchema = z.object({
  path: z.string(),
  task: z.string(),
  /** Bytes. */
  size: z.int(),
  created_at: momentSchema,
  /** Where its text is. */
  link: z.string(),
});
export type CrewRunFile = z.infer<typeof crewRunFileSchema>;

/** One task of a run, in the order of the file. `running`: begun and not done, those that wait included. */
export const crewRunTaskSchema = z.object({
  task: z.string(),
  title: z.string(),
  agent: z.string().nullable(),
  state: z.enum(["pending", "running", "done", "skipped"]),
  /** When it is done. */
  output: crewTaskOutputSchema.nullable(),
});
export type CrewRunTask = z.infer<typeof crewRunTaskSchema>;

export const crewRunDetailSchema = crewRunSchema
  .extend({
    /** Of a run that succeeded: the output of its last task. */
    result: z.object({ raw: z.string(), json: jsonValueSchema }).nullable(),
    tasks: z.array(crewRunTaskSchema),
    files: z.array(crewRunFileSchema),
  })
  .meta({ id: "CrewRunDetail" });
export type CrewRunDetail = z.infer<typeof crewRunDetailSchema>;

/** `GET /api/crews/{name}/runs` and `GET /api/crew-runs`. */
export const crewRunListQuerySchema = pageQuerySchema.extend({
  /** What has not ended is `active`. */
  state: z.enum(["active", "succeeded", "failed", "cancelled", "expired"]).optional(),
});

/**
 * What a model writes, as it comes: `crew.text_written` on the stream of a run. After `reset` the text of the
 * step begins anew. What counts is the turn's own event, which follows.
 */
export const crewTextWrittenSchema = z.object({
  task: z.string(),
  agent: z.string(),
  step: z.string(),
  text: z.string(),
  reset: z.boolean(),
});
export type CrewTextWritten = z.infer<typeof crewTextWrittenSchema>;
