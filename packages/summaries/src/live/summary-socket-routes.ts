import { BackgroundWork } from "@millrace/kernel";
import type { Clock, Logger } from "@millrace/kernel";
import { acceptSocket, parseSince } from "@millrace/live";
import type { Authenticate, SocketLimits } from "@millrace/live";
import type { FastifyInstance } from "fastify";
import { SummarySocket } from "./summary-socket.ts";
import type { SummarySocketPorts } from "./summary-socket.ts";

export type SummarySocketOptions = SummarySocketPorts & {
  readonly authenticate: Authenticate;
  readonly logger: Logger;
  readonly limits?: Partial<SocketLimits>;
  readonly clock?: Clock;
};

/**
 * `GET /ws/summary/`: the article's messages, each with the summary's id and the number of its event. A Fastify
 * plugin; `@fastify/websocket` must be registered before it. Without the trailing slash it works when the server
 * ignores trailing slashes.
 */
export function summarySocketRoutes(app: FastifyInstance, options: SummarySocketOptions): Promise<void> {
  const background = new BackgroundWork(options.logger);
  app.get<{ Querystring: { since?: unknown } }>("/ws/summary/", { websocket: true }, (socket, request) => {
    let session: SummarySocket | undefined;
    acceptSocket({
      socket,
      request,
      authenticate: options.authenticate,
      logger: options.logger,
      limits: options.limits ?? {},
      ...(options.clock === undefined ? {} : { clock: options.clock }),
      errorMessage: ({ code, message }) =>
        JSON.stringify({ status: "error", message, id: null, seq: null, error_code: code }),
      onOpen: (connection) => {
        const { since } = request.query;
        session = new SummarySocket(connection, {
          ports: options,
          background,
          since: since === undefined || since === "" ? undefined : parseSince(since),
        });
      },
      onText: (_connection, text) => session?.receive(text),
    });
  });
  app.addHook("onClose", () => background.settle());
  return Promise.resolve();
}
