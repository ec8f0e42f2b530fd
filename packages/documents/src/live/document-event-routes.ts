import { isSettled } from "@millrace/contracts";
import { eventRoutes } from "@millrace/live";
import type { EventRouteOptions } from "@millrace/live";
import type { StoredEvent } from "@millrace/queue";
import type { FastifyInstance } from "fastify";
import type { DocumentSocketPorts } from "./document-socket.ts";

export type DocumentEventOptions = Pick<DocumentSocketPorts, "readSnapshot" | "mayWatch"> &
  Pick<EventRouteOptions, "hub" | "authenticate" | "limits">;

const endings: ReadonlySet<string> = new Set(["document.completed", "document.failed", "document.cancelled"]);

/** Whether processing of a document ends with this event. */
export function endsDocument(event: StoredEvent): boolean {
  return endings.has(event.type);
}

/** `GET /api/documents/:id/events`: the events of a document over SSE. A Fastify plugin. */
export function documentEventRoutes(app: FastifyInstance, options: DocumentEventOptions): Promise<void> {
  const { readSnapshot, mayWatch, ...watching } = options;
  return eventRoutes(app, {
    ...watching,
    path: "/api/documents/:id/events",
    tag: "Documents",
    subject: "a document",
    streamOf: async (access, id) => ((await mayWatch(access, id)) ? `document:${id}` : undefined),
    readSnapshot: async (access, id) => {
      const current = await readSnapshot(access, id);
      if (current === undefined) return undefined;
      const { seq, snapshot } = current;
      return { seq, data: snapshot, isFinished: isSettled(snapshot.document.status) };
    },
    isEnd: endsDocument,
  });
}
