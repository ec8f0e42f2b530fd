import {
  idSchema,
  jobTreeSchema,
  newWorkflowSchema,
  pageSchema,
  workflowDetailSchema,
  workflowListQuerySchema,
  workflowSchema,
  workflowTreeQuerySchema,
} from "@millrace/contracts";
import type { JobBranch, NewWorkflow, WorkflowDetail } from "@millrace/contracts";
import type { Access } from "@millrace/kernel";
import {
  findJobs,
  jobNotFound,
  readJobBranch,
  toJob,
  toWorkflow,
  toWorkflowDetail,
  workflowNotFound,
} from "@millrace/queue";
import type { JobBranchRecord, WorkflowOptions, WorkflowRecord } from "@millrace/queue";
import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { parseIdempotencyKey } from "../http/index.ts";
import { maySee, visibleOwners } from "./on-behalf.ts";
import { readCursor, toPage } from "./pages.ts";
import type { RouteParts } from "./route-parts.ts";
import type { TypedApp } from "./typed-app.ts";
import { asRefusal } from "./tasks.ts";
import { preferredWait } from "./preferred-wait.ts";
import { readFlow } from "./workflow-flow.ts";

const params = z.object({ id: idSchema });
const tags = ["Workflows"];

/** `/api/workflows`, and the tree that a job belongs to. */
export function workflowRoutes(app: TypedApp, parts: RouteParts): void {
  readRoutes(app, parts);
  startRoute(app, parts);
  actionRoutes(app, parts);
  treeRoute(app, parts);
}

function readRoutes(app: TypedApp, parts: RouteParts): void {
  const { workflows } = parts.installation.queue;
  const { authenticate } = parts.access;
  const getWorkflow = workflowReader(parts);
  app.get(
    "/api/workflows",
    {
      schema: {
        tags,
        summary: "List workflows, newest first",
        querystring: workflowListQuerySchema,
        response: { 200: pageSchema(workflowSchema) },
      },
    },
    async (request) => {
      const { limit, cursor, ...filter } = request.query;
      const owners = visibleOwners(await authenticate(request));
      const rows = await workflows.list({ owners, ...filter, before: readCursor(cursor), limit: limit + 1 });
      return toPage(rows.map(toWorkflow), limit);
    },
  );
  app.get(
    "/api/workflows/:id",
    {
      config: { heeds: ["prefer"] },
      schema: {
        tags,
        summary: "One workflow with its tree, and what it gave; `Prefer: wait=N` waits for its end",
        params,
        querystring: workflowTreeQuerySchema,
        response: { 200: workflowDetailSchema },
      },
    },
    async (request, reply) => {
      const workflow = await getWorkflow(await authenticate(request), request.params.id);
      const current = await waitAsPreferred(request, reply, parts, workflow);
      if (current.finished_at === null) void reply.header("retry-after", "1");
      return await readDetail(parts, current, request.query);
    },
  );
}

/** The workflow at its end, or as it is when the time that the request gives is over. */
async function waitAsPreferred(
  request: FastifyRequest,
  reply: FastifyReply,
  { installation, stopping }: RouteParts,
  workflow: WorkflowRecord,
): Promise<WorkflowRecord> {
  const wait = preferredWait(request, reply, stopping);
  return wait === undefined ? workflow : await installation.queue.workflows.waitForEnd(workflow.id, wait);
}

function startRoute(app: TypedApp, parts: RouteParts): void {
  const { queue } = parts.installation;
  app.post(
    "/api/workflows",
    {
      config: { heeds: ["idempotency-key", "prefer"] },
      schema: {
        tags,
        summary: "Start a workflow of tasks by their names; `Prefer: wait=N` waits for its end",
        body: newWorkflowSchema,
        response: { 200: workflowDetailSchema, 202: workflowSchema },
      },
    },
    async (request, reply) => {
      const { workspaceId: owner } = await parts.access.authenticate(request);
      const flow = readFlow(queue.tasks, request.body);
      const options = { ...readOptions(request, request.body), owner };
      const { id } = await queue.workflows.start(flow, options).catch(asRefusal);
      const current = await waitAsPreferred(request, reply, parts, await queue.workflows.get(id));
      const workflow = toWorkflow(current);
      void reply.header("location", workflow.links.self);
      if (reply.hasHeader("preference-applied") && current.finished_at !== null)
        return reply.code(200).send(await readDetail(parts, current, workflowTreeQuerySchema.parse({})));
      return reply.code(202).header("retry-after", "1").send(workflow);
    },
  );
}

function readOptions(request: FastifyRequest, body: NewWorkflow): WorkflowOptions {
  const key = parseIdempotencyKey(request.headers["idempotency-key"]) ?? body.idempotency_key;
  const { name, tags: given, meta, priority, delay_seconds: delay } = body;
  return {
    ...(name === undefined ? {} : { name }),
    ...(given === undefined ? {} : { tags: given }),
    ...(meta === undefined ? {} : { meta }),
    ...(priority === undefined ? {} : { priority }),
    ...(delay === undefined ? {} : { delayMs: delay * 1000 }),
    ...(key === undefined ? {} : { idempotencyKey: key }),
  };
}

function actionRoutes(app: TypedApp, parts: RouteParts): void {
  const { workflows } = parts.installation.queue;
  const { authenticate } = parts.access;
  const getWorkflow = workflowReader(parts);
  const actions = [
    {
      name: "cancel",
      summary: "Cancel the whole, whatever its jobs do",
      act: (id: string) => workflows.cancel(id),
    },
    { name: "retry", summary: "Try again what did not succeed", act: (id: string) => workflows.retry(id) },
  ] as const;
  for (const { name, summary, act } of actions) {
    app.post(
      `/api/workflows/:id/${name}`,
      { schema: { tags, summary, params, response: { 202: workflowSchema } } },
      async (request, reply) => {
        const { id } = await getWorkflow(await authenticate(request), request.params.id);
        await act(id);
        const workflow = toWorkflow(await workflows.get(id));
        return reply.code(202).header("location", workflow.links.self).send(workflow);
      },
    );
  }
}

function treeRoute(app: TypedApp, parts: RouteParts): void {
  const { queue } = parts.installation;
  const { queryable } = queue.database;
  const getWorkflow = workflowReader(parts);
  app.get(
    "/api/jobs/:id/tree",
    {
      schema: {
        tags: ["Jobs"],
        summary: "The workflow that the job is a member of, or the job with its child jobs",
        params,
        querystring: workflowTreeQuerySchema,
        response: { 200: jobTreeSchema },
      },
    },
    async (request) => {
      const access = await parts.access.authenticate(request);
      const [job] = await findJobs(queryable, [request.params.id]);
      const mayBeSeen = (owner: string | null): boolean => maySee(access, owner);
      if (job === undefined || !mayBeSeen(job.owner)) throw jobNotFound(request.params.id);
      if (job.workflow_id !== null) {
        const workflow = await getWorkflow(access, job.workflow_id);
        return { workflow: await readDetail(parts, workflow, request.query), job: null };
      }
      const branch = await readJobBranch(queryable, job, { ...request.query, mayBeSeen });
      return { workflow: null, job: toBranch(branch) };
    },
  );
}

function toBranch({ job, children, hasMore }: JobBranchRecord): JobBranch {
  return { job: toJob(job), children: children.map(toBranch), has_more: hasMore };
}

async function readDetail(
  { installation }: RouteParts,
  workflow: WorkflowRecord,
  { members }: { readonly members: number },
): Promise<WorkflowDetail> {
  const { workflows } = installation.queue;
  const tree = await workflows.tree(workflow.id, { members });
  return toWorkflowDetail(workflow, tree, await workflows.shownOutput(workflow));
}

/** Finds workflows of somebody. Others' are not found, as if there were none. */
function workflowReader({ installation }: RouteParts) {
  return async (access: Access, id: string): Promise<WorkflowRecord> => {
    const workflow = await installation.queue.workflows.get(id);
    if (!maySee(access, workflow.owner)) throw workflowNotFound(id);
    return workflow;
  };
}
