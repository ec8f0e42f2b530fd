import {
  ownerWeightSchema,
  pageSchema,
  pauseQueueSchema,
  purgeQueueSchema,
  queueDetailSchema,
  queueListSchema,
  queuePurgedSchema,
  queueSchema,
  setOwnerWeightSchema,
  updateQueueSchema,
} from "@millrace/contracts";
import type { Queue } from "@millrace/contracts";
import { toQueue } from "@millrace/queue";
import { z } from "zod";
import { personOf } from "./on-behalf.ts";
import type { RouteParts } from "./route-parts.ts";
import type { TypedApp } from "./typed-app.ts";

const params = z.object({
  name: z.string().max(200).describe("A queue; `*` stands for all of them together"),
});
const tags = ["Queues"];
const ownerTags = ["Owners"];

/** How long one request purges; who asks is told what is left. */
const purgeMaxMs = 20_000;

/** `/api/queues`: how they stand, pause, limit, purge. And the weights of owners, `/api/owners`. */
export function queueRoutes(app: TypedApp, parts: RouteParts): void {
  const { control } = parts.installation.queue;
  const { authenticate } = parts.access;
  actionRoutes(app, parts);
  ownerRoutes(app, parts);

  app.get(
    "/api/queues",
    {
      schema: {
        tags,
        summary: "Every queue that has jobs, settings or a live worker, in one page",
        response: { 200: queueListSchema },
      },
    },
    async (request) => {
      await authenticate(request);
      const { queues, all } = await control.queueOverviews();
      return { data: queues.map(toQueue), next_cursor: null, has_more: false, all: toQueue(all) };
    },
  );

  app.get(
    "/api/queues/:name",
    { schema: { tags, summary: "One queue", params, response: { 200: queueDetailSchema } } },
    async (request) => {
      await authenticate(request);
      const { name } = request.params;
      const overview = await control.queueOverview(name);
      return { ...toQueue(overview), hints: (await control.countHints(name)) ?? null };
    },
  );
}

function actionRoutes(app: TypedApp, parts: RouteParts): void {
  const { control } = parts.installation.queue;
  const { authenticate } = parts.access;

  app.patch(
    "/api/queues/:name",
    {
      schema: {
        tags,
        summary: "Limit how many of its jobs run at once, over all workers",
        params,
        body: updateQueueSchema,
        response: { 200: queueSchema },
      },
    },
    async (request) => {
      const { name } = request.params;
      const by = personOf(await authenticate(request));
      await control.setQueueLimit(name, request.body.max_running, { by });
      return await readQueue(parts, name);
    },
  );

  app.post(
    "/api/queues/:name/pause",
    {
      schema: {
        tags,
        summary: "Let nothing of it start any more, in any process; running jobs go on",
        params,
        body: pauseQueueSchema.nullish(),
        response: { 200: queueSchema },
      },
    },
    async (request) => {
      const { name } = request.params;
      const { reason, until } = request.body ?? {};
      await control.pause(name, {
        by: personOf(await authenticate(request)),
        ...(reason === undefined ? {} : { reason }),
        ...(until === undefined ? {} : { until: new Date(until) }),
      });
      return await readQueue(parts, name);
    },
  );

  app.post(
    "/api/queues/:name/resume",
    { schema: { tags, summary: "Let it go on", params, response: { 200: queueSchema } } },
    async (request) => {
      const { name } = request.params;
      await control.resume(name, { by: personOf(await authenticate(request)) });
      return await readQueue(parts, name);
    },
  );

  app.post(
    "/api/queues/:name/purge",
    {
      schema: {
        tags,
        summary: "Cancel what is queued or scheduled there; 409 when it is not the expected number",
        params,
        body: purgeQueueSchema,
        response: { 200: queuePurgedSchema },
      },
    },
    async (request) => {
      await authenticate(request);
      const { name } = request.params;
      const { expected_count: expectedCount, task, dry_run: isDryRun } = request.body;
      if (isDryRun) return { cancelled: 0, left: await control.countPurgeable(name, task) };
      const signal = AbortSignal.any([AbortSignal.timeout(purgeMaxMs), parts.stopping]);
      const options = {
        signal,
        ...(expectedCount === undefined ? {} : { expectedCount }),
        ...(task === undefined ? {} : { task }),
      };
      return await control.purge(name, options);
    },
  );
}

/** A queue after a change. One that was only resumed may be of the kind of which nothing is known. */
async function readQueue({ installation }: RouteParts, name: string): Promise<Queue> {
  return toQueue(await installation.queue.control.queueOverview(name));
}

function ownerRoutes(app: TypedApp, parts: RouteParts): void {
  const { control } = parts.installation.queue;
  const { authenticate } = parts.access;
  const ownerParams = z.object({ owner: z.string().min(1).max(200) });
  const readWeight = async (owner: string): Promise<{ owner: string; weight: number }> => {
    const weights = await control.listOwnerWeights();
    return weights.find((known) => known.owner === owner) ?? { owner, weight: 1 };
  };

  app.get(
    "/api/owners",
    {
      schema: {
        tags: ownerTags,
        summary: "Owners whose jobs get more or fewer turns than others', heaviest first",
        response: { 200: pageSchema(ownerWeightSchema) },
      },
    },
    async (request) => {
      await authenticate(request);
      return { data: await control.listOwnerWeights(), next_cursor: null, has_more: false };
    },
  );

  app.get(
    "/api/owners/:owner/weight",
    {
      schema: {
        tags: ownerTags,
        summary: "1 unless set",
        params: ownerParams,
        response: { 200: ownerWeightSchema },
      },
    },
    async (request) => {
      await authenticate(request);
      return await readWeight(request.params.owner);
    },
  );

  app.put(
    "/api/owners/:owner/weight",
    {
      schema: {
        tags: ownerTags,
        summary: "Give the jobs of an owner more or fewer turns, from the next one enqueued on",
        params: ownerParams,
        body: setOwnerWeightSchema,
        response: { 200: ownerWeightSchema },
      },
    },
    async (request) => {
      await authenticate(request);
      const { owner } = request.params;
      await control.setOwnerWeight(owner, request.body.weight);
      return { owner, weight: request.body.weight };
    },
  );

  app.delete(
    "/api/owners/:owner/weight",
    {
      schema: {
        tags: ownerTags,
        summary: "Back to one turn",
        params: ownerParams,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      await authenticate(request);
      await control.setOwnerWeight(request.params.owner, null);
      return reply.code(204).send(null);
    },
  );
}
