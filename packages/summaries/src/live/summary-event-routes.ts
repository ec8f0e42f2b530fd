import { isSummaryOver } from "@millrace/contracts";
import { eventRoutes } from "@millrace/live";
import type { EventRouteOptions } from "@millrace/live";
import type { FastifyInstance } from "fastify";
import { endsSummary } from "./summary-message.ts";
import type { SummarySocketPorts } from "./summary-socket.ts";

export type SummaryEventOptions = Pick<SummarySocketPorts, "readSnapshot" | "mayWatch"> &
  Pick<EventRouteOptions, "hub" | "authenticate" | "limits">;

/** `GET /api/summaries/:id/events`: the events of a summary over SSE. A Fastify plugin. */
export function summaryEventRoutes(app: FastifyInstance, options: SummaryEventOptions): Promise<void> {
  const { readSnapshot, mayWatch, ...watching } = options;
  return eventRoutes(app, {
    ...watching,
    path: "/api/summaries/:id/events",
    tag: "Summaries",
    subject: "a summary",
    streamOf: async (access, id) => ((await mayWatch(access, id)) ? `summary:${id}` : undefined),
    readSnapshot: async (access, id) => {
      const current = await readSnapshot(access, id);
      if (current === undefined) return undefined;
      const { seq, snapshot } = current;
      return { seq, data: snapshot, isFinished: isSummaryOver(snapshot.summary.state) };
    },
    isEnd: endsSummary,
  });
}
