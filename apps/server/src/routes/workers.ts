import {
  updateWorkerSchema,
  workerDetailSchema,
  workerDisplayStates,
  workerListSchema,
} from "@millrace/contracts";
import type { Page, Worker } from "@millrace/contracts";
import { MillraceError } from "@millrace/kernel";
import { listRunning, toJob, toWorker } from "@millrace/queue";
import { z } from "zod";
import { visibleOwners } from "./on-behalf.ts";
import type { RouteParts } from "./route-parts.ts";
import type { TypedApp } from "./typed-app.ts";

const params = z.object({
  id: z.string().min(1).max(200).describe("The id of a worker, or its name: then all live ones of that name"),
});
const tags = ["Workers"];
const query = z.strictObject({
  state: z.enum(workerDisplayStates).optional(),
  queue: z.string().max(200).optional().describe("Only those that serve it"),
});

/** `/api/workers`: how they are, and what is asked of them. */
export function workerRoutes(app: TypedApp, parts: RouteParts): void {
  const { queue, database } = parts.installation;
  const { control } = queue;
  const { authenticate } = parts.access;

  app.get(
    "/api/workers",
    {
      schema: {
        tags,
        summary: "The living first, then those that went within a day; in one page of at most 1000",
        querystring: query,
        response: { 200: workerListSchema },
      },
    },
    async (request) => {
      await authenticate(request);
      const { state, queue: served } = request.query;
      const workers = (await control.listWorkers()).map(toWorker);
      return pageOf(
        workers.filter(
          ({ display_state, queues }) =>
            (state ?? display_state) === display_state && (served === undefined || queues.includes(served)),
        ),
      );
    },
  );

  app.get(
    "/api/workers/:id",
    {
      schema: {
        tags,
        summary: "One worker and what it runs now",
        params,
        response: { 200: workerDetailSchema },
      },
    },
    async (request) => {
      const access = await authenticate(request);
      const [worker] = await control.findWorkers(request.params.id);
      if (worker === undefined) throw unknownWorker(request.params.id);
      const jobs = await listRunning(database.queryable, worker.id, visibleOwners(access));
      return { ...toWorker(worker), jobs: jobs.map(toJob) };
    },
  );

  app.delete(
    "/api/workers/:id",
    {
      schema: {
        tags,
        summary: "Forget one that is gone; 409 while it is alive",
        params,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      await authenticate(request);
      await control.forgetWorkers(request.params.id);
      return reply.code(204).send(null);
    },
  );
  requestRoutes(app, parts);
}

function requestRoutes(app: TypedApp, parts: RouteParts): void {
  const { control } = parts.installation.queue;
  const { authenticate } = parts.access;
  /** Those that were asked, as they are now: they obey with their next beat. */
  const findAsked = async (ids: readonly string[]): Promise<Page<Worker>> => {
    const workers = await control.listWorkers();
    return pageOf(workers.filter(({ id }) => ids.includes(id)).map(toWorker));
  };

  for (const [action, summary, ask] of [
    ["drain", "Let it claim nothing more", (worker: string) => control.requestDrain(worker)],
    ["stop", "Let it hand its jobs back and stop", (worker: string) => control.requestStop(worker)],
    ["run", "Take a drain back: it claims again", (worker: string) => control.requestRun(worker)],
  ] as const) {
    app.post(
      `/api/workers/:id/${action}`,
      { schema: { tags, summary, params, response: { 202: workerListSchema } } },
      async (request, reply) => {
        await authenticate(request);
        return reply.code(202).send(await findAsked(await ask(request.params.id)));
      },
    );
  }

  app.patch(
    "/api/workers/:id",
    {
      schema: {
        tags,
        summary: "Set how many jobs it runs at once",
        params,
        body: updateWorkerSchema,
        response: { 202: workerListSchema },
      },
    },
    async (request, reply) => {
      await authenticate(request);
      const asked = await control.requestConcurrency(request.params.id, request.body.concurrency);
      return reply.code(202).send(await findAsked(asked));
    },
  );
}

function pageOf(data: Worker[]): Page<Worker> {
  return { data, next_cursor: null, has_more: false };
}

function unknownWorker(worker: string): MillraceError {
  return new MillraceError({
    code: "worker_not_found",
    kind: "not_found",
    message: `No worker has the id or the name ${JSON.stringify(worker)}. List the workers to see which there are.`,
  });
}
