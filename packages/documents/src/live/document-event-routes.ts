import { isSettled } from "@millrace/contracts";
import { readEventStreamQuery, sendEventStream, untilFinished } from "@millrace/live";
import type { Authenticate, EventStreamLimits } from "@millrace/live";
import type { StoredEvent } from "@millrace/queue";
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { DocumentSocketPorts } from "./document-socket.ts";
import { documentNotFound } from "./errors.ts";

export type DocumentEventOptions = Pick<DocumentSocketPorts, "hub" | "readSnapshot" | "mayWatch"> & {
  readonly authenticate: Authenticate;
  readonly limits?: Partial<EventStreamLimits>;
};

const endings: ReadonlySet<string> = new Set(["document.completed", "document.failed", "document.cancelled"]);

/** Whether processing of a document ends with this event. */
export function endsDocument(event: StoredEvent): boolean {
  return endings.has(event.type);
}

/**
 * `GET /api/documents/:id/events`: the events of a document over SSE, from the first one stored or
 * after `Last-Event-ID` or `?since=`; with `?until=finished` the response ends with the processing.
 * A Fastify plugin.
 */
export function documentEventRoutes(app: FastifyInstance, options: DocumentEventOptions): Promise<void> {
  app.get<{ Params: { id: string } }>(
    "/api/documents/:id/events",
    {
      exposeHeadRoute: false,
      schema: {
        tags: ["Documents"],
        summary: "What happens to a document, live, as server-sent events",
        description:
          "Each event carries its number as `id`; `Last-Event-ID` or `?since=` goes on after one. `?until=finished` ends the stream with the work.",
      },
    },
    async (request, reply) => {
      const query = readEventStreamQuery(request);
      const access = await options.authenticate(request);
      const id = z.uuid().safeParse(request.params.id);
      if (!id.success) throw documentNotFound();
      const documentId = id.data.toLowerCase();
      if (!(await options.mayWatch(access, documentId))) throw documentNotFound();
      const stream = `document:${documentId}`;
      const isFinished = async (): Promise<boolean> => {
        const current = await options.readSnapshot(access, documentId);
        return current === undefined || isSettled(current.snapshot.document.status);
      };
      await sendEventStream({
        reply,
        hub: options.hub,
        stream,
        since: query.since,
        ...(query.untilFinished
          ? { until: await untilFinished({ hub: options.hub, stream, isFinished, isEnd: endsDocument }) }
          : {}),
        snapshot: async () => {
          const current = await options.readSnapshot(access, documentId);
          if (current === undefined) return undefined;
          const { seq, snapshot } = current;
          return { seq, data: snapshot, isFinished: isSettled(snapshot.document.status) };
        },
        mayWatch: async () => options.mayWatch(await options.authenticate(request), documentId),
        limits: options.limits ?? {},
      });
      return reply;
    },
  );
  return Promise.resolve();
}
