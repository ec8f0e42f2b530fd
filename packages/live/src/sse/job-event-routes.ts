import type { Access } from "@millrace/kernel";
import type { StoredEvent } from "@millrace/queue";
import type { FastifyInstance } from "fastify";
import { topicNotFound } from "../errors.ts";
import type { LiveHub } from "../hub/live-hub.ts";
import type { Authenticate } from "../socket/connection.ts";
import { sendEventStream } from "./event-stream.ts";
import type { EventStreamSnapshot } from "./event-stream.ts";
import type { EventStreamLimits } from "./event-stream-writer.ts";
import { readEventStreamQuery } from "./stream-query.ts";
import { untilFinished } from "./until-finished.ts";

export type JobEventOptions = {
  readonly hub: LiveHub;
  readonly authenticate: Authenticate;
  /** The stream of a job, such as `document:<id>`; undefined when there is no such job for this person. */
  readonly streamOfJob: (access: Access, jobId: string) => Promise<string | undefined>;
  readonly isFinished: (access: Access, jobId: string) => Promise<boolean>;
  /** Which event ends a job, for `?until=finished`. */
  readonly isEnd: (event: StoredEvent) => boolean;
  /** The job as it stands, sent when its history has expired. Default: only `reset` is sent. */
  readonly readJob?: (access: Access, jobId: string) => Promise<EventStreamSnapshot | undefined>;
  readonly limits?: Partial<EventStreamLimits>;
};

/** `GET /api/jobs/:id/events`: the events of a job's stream over SSE. A Fastify plugin. */
export function jobEventRoutes(app: FastifyInstance, options: JobEventOptions): Promise<void> {
  app.get<{ Params: { id: string } }>(
    "/api/jobs/:id/events",
    {
      exposeHeadRoute: false,
      schema: {
        tags: ["Jobs"],
        summary: "What happens to a job, live, as server-sent events",
        description:
          "Each event carries its number as `id`; `Last-Event-ID` or `?since=` goes on after one. `?until=finished` ends the stream with the job.",
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const query = readEventStreamQuery(request);
      const access = await options.authenticate(request);
      const stream = await options.streamOfJob(access, id);
      if (stream === undefined) throw topicNotFound(`job:${id}`);
      const { readJob } = options;
      const isFinished = () => options.isFinished(access, id);
      await sendEventStream({
        reply,
        hub: options.hub,
        stream,
        since: query.since,
        ...(query.untilFinished
          ? { until: await untilFinished({ hub: options.hub, stream, isFinished, isEnd: options.isEnd }) }
          : {}),
        ...(readJob === undefined ? {} : { snapshot: () => readJob(access, id) }),
        mayWatch: async () => {
          const now = await options.authenticate(request);
          return (await options.streamOfJob(now, id)) !== undefined;
        },
        limits: options.limits ?? {},
      });
      return reply;
    },
  );
  return Promise.resolve();
}
