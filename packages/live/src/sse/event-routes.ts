import { idSchema } from "@millrace/contracts";
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

export type EventRouteOptions = {
  readonly hub: LiveHub;
  readonly authenticate: Authenticate;
  /** With `:id` in it; what else it has goes to `streamOf`. */
  readonly path: string;
  /** It answers, and the API's description does not list it. */
  readonly hide?: boolean;
  /** Under which the API's description lists it. */
  readonly tag: string;
  /** What it tells of, such as `a document`. */
  readonly subject: string;
  /** The stream of the events, such as `document:<id>`; undefined when there is no such thing for this person. */
  readonly streamOf: (
    access: Access,
    id: string,
    params: Readonly<Record<string, string>>,
  ) => Promise<string | undefined>;
  /** How it stands, sent when its history has expired; undefined when it is gone. */
  readonly readSnapshot: (access: Access, id: string) => Promise<EventStreamSnapshot | undefined>;
  /** Which event ends the work, for `?until=finished`. */
  readonly isEnd: (event: StoredEvent) => boolean;
  readonly limits?: Partial<EventStreamLimits>;
};

/**
 * What happens to one thing, over SSE: from the first event stored, or after `Last-Event-ID` or `?since=`; with
 * `?until=finished` the response ends with the work. A Fastify plugin.
 */
export function eventRoutes(app: FastifyInstance, options: EventRouteOptions): Promise<void> {
  const { hub, authenticate, path, tag, subject, streamOf, readSnapshot, isEnd, limits = {} } = options;
  const { hide = false } = options;
  app.get<{ Params: { readonly id: string } & Readonly<Record<string, string>> }>(
    path,
    {
      exposeHeadRoute: false,
      schema: {
        tags: [tag],
        hide,
        summary: `What happens to ${subject}, live, as server-sent events`,
        description:
          "Each event carries its number as `id`; `Last-Event-ID` or `?since=` goes on after one. `?until=finished` ends the stream with the work.",
        produces: ["text/event-stream"],
      },
    },
    async (request, reply) => {
      const query = readEventStreamQuery(request);
      const access = await authenticate(request);
      const id = request.params.id.toLowerCase();
      const stream = idSchema.safeParse(id).success ? await streamOf(access, id, request.params) : undefined;
      if (stream === undefined) throw topicNotFound(id);
      const isFinished = async () => (await readSnapshot(access, id))?.isFinished ?? true;
      await sendEventStream({
        reply,
        hub,
        stream,
        since: query.since,
        ...(query.untilFinished ? { until: await untilFinished({ hub, stream, isFinished, isEnd }) } : {}),
        snapshot: () => readSnapshot(access, id),
        mayWatch: async () => (await streamOf(await authenticate(request), id, request.params)) !== undefined,
        limits,
      });
      return reply;
    },
  );
  return Promise.resolve();
}
