import { z } from "zod";
import { idSchema, momentSchema, pageQuerySchema } from "./common.ts";
import { jobErrorSchema, jobSchema, jobStateSchema } from "./job.ts";

export const workflowStates = ["running", "succeeded", "failed", "cancelled"] as const;
export const workflowStateSchema = z.enum(workflowStates);
export type WorkflowState = z.infer<typeof workflowStateSchema>;

export const workflowNodeKinds = ["job", "chain", "group", "chord", "map"] as const;
export type WorkflowNodeKind = (typeof workflowNodeKinds)[number];

/** `skipped`: it never ran, because something before it did not succeed or the whole was cancelled. */
export const workflowNodeStates = [
  "blocked",
  "running",
  "succeeded",
  "failed",
  "cancelled",
  "skipped",
] as const;
export const workflowNodeStateSchema = z.enum(workflowNodeStates);
export type WorkflowNodeState = z.infer<typeof workflowNodeStateSchema>;

/**
 * What a group does when a member does not succeed. `stop`: the others are cancelled and the group fails.
 * `finish`: the others end first, then it fails. `collect`: it succeeds, and what follows gets the outcome
 * of each, `{ok: true, value}` or `{ok: false, error}`.
 */
export const workflowPolicies = ["stop", "finish", "collect"] as const;
export const workflowPolicySchema = z.enum(workflowPolicies);
export type WorkflowPolicy = z.infer<typeof workflowPolicySchema>;

export const workflowSchema = z
  .object({
    id: idSchema,
    name: z.string().nullable(),
    state: workflowStateSchema,
    /** Derived, for display: `cancelling` is not a stored state. */
    display_state: z.enum([...workflowStates, "cancelling"]),
    tags: z.array(z.string()),
    created_at: momentSchema,
    finished_at: momentSchema.nullable(),
    /** Jobs. `total` grows when a map has been given what it fans out over. */
    progress: z.object({
      total: z.int(),
      ended: z.int(),
      /** Failed, expired or cancelled, those that never ran included. */
      failed: z.int(),
      percent: z.number().min(0).max(100),
    }),
    error: jobErrorSchema.nullable(),
    /** The job that was enqueued at the end, by `on_success` or `on_failure`. */
    callback_job_id: idSchema.nullable(),
    links: z.object({ self: z.string(), cancel: z.string(), retry: z.string() }),
  })
  .meta({ id: "Workflow" });
export type Workflow = z.infer<typeof workflowSchema>;

/** A node of a workflow's tree. A chord has two children: what is joined, and its body. */
export type WorkflowNode = {
  /** Its number in the tree; unique within the workflow. */
  number: number;
  kind: WorkflowNodeKind;
  state: WorkflowNodeState;
  /** Of jobs and of maps. */
  task: string | null;
  job_id: string | null;
  job_state: z.infer<typeof jobStateSchema> | null;
  /** Of groups and maps. */
  policy: WorkflowPolicy | null;
  error: z.infer<typeof jobErrorSchema> | null;
  /** How many members it has. */
  size: number;
  /** How many members are in each state; states that none is in are left out. Null for jobs. */
  counts: Partial<Record<WorkflowNodeState, number>> | null;
  /** The members, of large nodes the first ones only. */
  children: WorkflowNode[];
};

export const workflowNodeSchema: z.ZodType<WorkflowNode> = z
  .object({
    number: z.int(),
    kind: z.enum(workflowNodeKinds),
    state: workflowNodeStateSchema,
    task: z.string().nullable(),
    job_id: idSchema.nullable(),
    job_state: jobStateSchema.nullable(),
    policy: workflowPolicySchema.nullable(),
    error: jobErrorSchema.nullable(),
    size: z.int(),
    counts: z.partialRecord(workflowNodeStateSchema, z.int()).nullable(),
    get children() {
      return z.array(workflowNodeSchema);
    },
  })
  .meta({ id: "WorkflowNode" });

export const workflowDetailSchema = workflowSchema
  .extend({
    meta: z.record(z.string(), z.unknown()),
    /** Of a workflow that succeeded. */
    output: z.unknown(),
    tree: workflowNodeSchema,
  })
  .meta({ id: "WorkflowDetail" });
export type WorkflowDetail = z.infer<typeof workflowDetailSchema>;

export const workflowListQuerySchema = pageQuerySchema.extend({
  state: workflowStateSchema.optional(),
  name: z.string().max(200).optional(),
});

/** `members`: of each node at most so many, the first ones; its counts tell of all. */
export const workflowTreeQuerySchema = z.strictObject({
  members: z.coerce.number().int().min(0).max(1000).default(100),
});

/**
 * What runs in what order, by the names of tasks. A task without `input` is given the output of what goes
 * before it; with `input` that alone; with `into` both, the output under this key of the input.
 */
export type WorkflowFlow =
  | {
      task: string;
      version?: number | undefined;
      input?: unknown;
      into?: string | undefined;
      priority?: number | undefined;
      delay_seconds?: number | undefined;
    }
  | { chain: WorkflowFlow[] }
  | { group: WorkflowFlow[]; policy?: WorkflowPolicy | undefined }
  | { chord: { header: WorkflowFlow[]; body: WorkflowFlow }; policy?: WorkflowPolicy | undefined }
  | {
      /** Once for each item, or for each element of the output of what goes before it. */
      map: string;
      version?: number | undefined;
      items?: unknown[] | undefined;
      policy?: WorkflowPolicy | undefined;
    }
  | {
      /** Once for each `size` items, which the task takes as an array. */
      chunks: { task: string; version?: number | undefined; items: unknown[]; size: number };
      policy?: WorkflowPolicy | undefined;
    };

const taskNameSchema = z.string().min(1).max(200);
const versionSchema = z.int().min(1);

export const workflowStepSchema = z.strictObject({
  task: taskNameSchema,
  version: versionSchema.optional(),
  input: z.unknown().optional(),
  into: z.string().min(1).max(200).optional(),
  priority: z.int().min(0).max(9).optional(),
  delay_seconds: z
    .number()
    .min(0)
    .max(100 * 365 * 24 * 3600)
    .optional(),
});

/** Zod's own word for it, "invalid input", tells nobody what would be valid. */
const partWanted =
  "must be one of {task, input}, {chain: [part, …]}, {group: [part, …]}, {chord: {header: [part, …], body}}, {map: task, items} and {chunks: {task, items, size}}";

export const workflowFlowSchema: z.ZodType<WorkflowFlow> = z
  .union(
    [
      workflowStepSchema,
      z.strictObject({
        get chain() {
          return z.array(workflowFlowSchema);
        },
      }),
      z.strictObject({
        get group() {
          return z.array(workflowFlowSchema);
        },
        policy: workflowPolicySchema.optional(),
      }),
      z.strictObject({
        get chord() {
          return z.strictObject({ header: z.array(workflowFlowSchema), body: workflowFlowSchema });
        },
        policy: workflowPolicySchema.optional(),
      }),
      z.strictObject({
        map: taskNameSchema,
        version: versionSchema.optional(),
        items: z.array(z.unknown()).optional(),
        policy: workflowPolicySchema.optional(),
      }),
      z.strictObject({
        chunks: z.strictObject({
          task: taskNameSchema,
          version: versionSchema.optional(),
          items: z.array(z.unknown()),
          size: z.int().min(1),
        }),
        policy: workflowPolicySchema.optional(),
      }),
    ],
    { error: partWanted },
  )
  .meta({ id: "WorkflowFlow" });

export const newWorkflowSchema = z
  .strictObject({
    name: z.string().min(1).max(200).optional(),
    flow: workflowFlowSchema,
    /** Enqueued once when the whole has succeeded, with its output. */
    on_success: workflowStepSchema.optional(),
    /** Enqueued once when it has failed, with `{workflow_id, error}`. */
    on_failure: workflowStepSchema.optional(),
    tags: z.array(z.string().max(200)).max(50).optional(),
    meta: z.record(z.string(), z.unknown()).optional(),
    priority: z.int().min(0).max(9).optional(),
    delay_seconds: z
      .number()
      .min(0)
      .max(100 * 365 * 24 * 3600)
      .optional(),
    /** Asking again with it gives the workflow that is there. */
    idempotency_key: z.string().min(1).max(255).optional(),
  })
  .meta({ id: "NewWorkflow" });
export type NewWorkflow = z.infer<typeof newWorkflowSchema>;

/** A job with the jobs that it is the parent of. */
export type JobBranch = { job: z.infer<typeof jobSchema>; children: JobBranch[]; has_more: boolean };
export const jobBranchSchema: z.ZodType<JobBranch> = z
  .object({
    job: jobSchema,
    get children() {
      return z.array(jobBranchSchema);
    },
    /** There are more children, or more levels, than are shown. */
    has_more: z.boolean(),
  })
  .meta({ id: "JobBranch" });

/** What a job belongs to: its workflow, if it is a member of one; else the job with its child jobs. */
export const jobTreeSchema = z
  .object({ workflow: workflowDetailSchema.nullable(), job: jobBranchSchema.nullable() })
  .meta({ id: "JobTree" });
export type JobTree = z.infer<typeof jobTreeSchema>;
