import {
  enqueueTaskSchema,
  isTerminal,
  jobDetailSchema,
  jobSchema,
  pageSchema,
  taskListQuerySchema,
  taskQuerySchema,
  taskSchema,
} from "@millrace/contracts";
import type { EnqueueTask } from "@millrace/contracts";
import { errorCode, MillraceError, newId, suggestion } from "@millrace/kernel";
import { toJob, toJobDetail } from "@millrace/queue";
import type { EnqueueOptions, Queue, Task } from "@millrace/queue";
import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { parseIdempotencyKey } from "../http/index.ts";
import type { RouteParts } from "./route-parts.ts";
import { toTaskView } from "./task-view.ts";
import type { TypedApp } from "./typed-app.ts";
import { preferredWait } from "./preferred-wait.ts";

const params = z.object({ name: z.string().max(200) });
const tags = ["Tasks"];

/** `/api/tasks`: what this installation can run, and asking it to. */
export function taskRoutes(app: TypedApp, parts: RouteParts): void {
  const { queue, programTasks } = parts.installation;
  const { authenticate } = parts.access;
  enqueueRoute(app, parts);

  app.get(
    "/api/tasks",
    {
      schema: {
        tags,
        summary: "Every task by name and version, in one page",
        querystring: taskListQuerySchema,
        response: { 200: pageSchema(taskSchema) },
      },
    },
    async (request) => {
      await authenticate(request);
      const { queue: ofQueue, source } = request.query;
      const controls = await queue.control.listTaskLimits();
      const data = queue.tasks
        .map((task) => toTaskView(task, { controls, programTasks }))
        .filter((task) => (ofQueue ?? task.queue) === task.queue && (source ?? task.source) === task.source);
      return { data, next_cursor: null, has_more: false };
    },
  );

  app.get(
    "/api/tasks/:name",
    {
      schema: {
        tags,
        summary: "One task with its limits and the schemas of its input and output",
        params,
        querystring: taskQuerySchema,
        response: { 200: taskSchema },
      },
    },
    async (request) => {
      await authenticate(request);
      const task = getTask(queue.tasks, request.params.name, request.query.version);
      return toTaskView(task, { controls: await queue.control.listTaskLimits(), programTasks });
    },
  );
}

function enqueueRoute(app: TypedApp, parts: RouteParts): void {
  const { queue } = parts.installation;
  app.post(
    "/api/tasks/:name/jobs",
    {
      config: { heeds: ["idempotency-key", "prefer"] },
      schema: {
        tags,
        summary: "Enqueue a job of the task; `Prefer: wait=N` waits for its end",
        params,
        body: enqueueTaskSchema,
        response: { 200: jobDetailSchema, 202: jobSchema },
      },
    },
    async (request, reply) => {
      const { workspaceId: owner } = await parts.access.authenticate(request);
      const { input = {}, version, options } = request.body;
      const task = getTask(queue.tasks, request.params.name, version);
      assertInput(task, input);
      const id = newId();
      const enqueueOptions = { ...readOptions(request, options), id, owner };
      const job = await queue.add(task, input, enqueueOptions).catch(asRefusal);
      void reply.header("location", `/api/jobs/${job.id}`);
      if (job.id !== id) void reply.header("idempotent-replayed", "true");
      return await sendJob(request, reply, parts, job);
    },
  );
}

/** 202 with the job as it is, or 200 with what it gave when the request waits and it ends in time. */
async function sendJob(
  request: FastifyRequest,
  reply: FastifyReply,
  { installation, stopping }: RouteParts,
  job: Parameters<typeof toJob>[0],
) {
  const { queue } = installation;
  const wait = preferredWait(request, reply, stopping);
  const current = wait === undefined ? job : ((await queue.waitForEnd(job.id, wait)) ?? job);
  if (wait !== undefined && isTerminal(current.state)) {
    return reply.code(200).send(toJobDetail(current, await queue.readDetail(current.id)));
  }
  return reply.code(202).header("retry-after", "1").send(toJob(current));
}

/** The newest version unless one is asked for. Throws `task_not_found`. */
export function getTask(tasks: readonly Task[], name: string, version?: number): Task {
  const versions = tasks.filter((task) => task.name === name);
  const found = version === undefined ? versions.at(-1) : versions.find((task) => task.version === version);
  if (found !== undefined) return found;
  const message =
    versions.length === 0
      ? `There is no task ${JSON.stringify(name)} here.${suggestionOf(tasks, name)} GET /api/tasks lists all.`
      : `There is no version ${version} of ${name} here, only ${versions.map((task) => task.version).join(", ")}.`;
  throw taskNotFound(name, message);
}

/**
 * Throws `task_not_found` for a name that neither this process, nor a worker of another one, nor any job has:
 * it is misspelt.
 */
export async function assertKnownTask(queue: Queue, name: string): Promise<void> {
  if (queue.tasks.some((task) => task.name === name) || (await queue.control.isKnownTask(name))) return;
  const message = `Neither a process nor a job has the task ${JSON.stringify(name)}.${suggestionOf(queue.tasks, name)} GET /api/tasks lists what runs here.`;
  throw taskNotFound(name, message);
}

function suggestionOf(tasks: readonly Task[], name: string): string {
  return suggestion(name, [...new Set(tasks.map((task) => task.name))]);
}

function taskNotFound(name: string, message: string): MillraceError {
  return new MillraceError({ code: "task_not_found", kind: "not_found", message, details: { name } });
}

/**
 * Throws `invalid_job_input`, naming each field that the task's schema refuses. `pointer` is that of the input in
 * the body.
 */
export function assertInput(task: Task, input: unknown, pointer = "/input"): void {
  const read = task.input.safeParse(input);
  if (read.success) return;
  const items = read.error.issues.slice(0, 50).flatMap((issue) => {
    const at = [pointer, ...issue.path.map(String)].join("/");
    if (issue.code !== "unrecognized_keys")
      return [{ pointer: at, code: issue.code, message: issue.message }];
    const message = "There is no such field here. Remove it or check its spelling.";
    return issue.keys.map((key) => ({ pointer: `${at}/${key}`, code: "unknown_field", message }));
  });
  throw new MillraceError({
    code: "invalid_job_input",
    kind: "invalid",
    message: `The input does not fit the schema of task ${task.name}. \`errors\` names what is wrong.`,
    items,
  });
}

function readOptions(request: FastifyRequest, options: EnqueueTask["options"]): EnqueueOptions {
  const key = parseIdempotencyKey(request.headers["idempotency-key"]) ?? options?.idempotency_key;
  const {
    priority,
    delay_ms: delayMs,
    run_at: runAt,
    expires_in_ms: expiresInMs,
    tags,
    meta,
  } = options ?? {};
  return {
    ...(priority === undefined ? {} : { priority }),
    ...(delayMs === undefined ? {} : { delayMs }),
    ...(runAt === undefined ? {} : { runAt: new Date(runAt) }),
    ...(expiresInMs === undefined ? {} : { expiresInMs }),
    ...(tags === undefined ? {} : { tags }),
    ...(meta === undefined ? {} : { meta }),
    ...(key === undefined ? {} : { idempotencyKey: key }),
  };
}

/** A key that was used for something else is a mistake in the request here, as on every other path. */
export function asRefusal(error: unknown): never {
  if (errorCode(error) !== "idempotency_key_reused") throw error;
  throw new MillraceError({
    code: "idempotency_key_reused",
    kind: "invalid",
    message: "This Idempotency-Key was used for something else. Make a new key for each new request.",
    cause: error,
  });
}
