import { BackgroundWork } from "@millrace/kernel";
import type { Clock, Logger } from "@millrace/kernel";
import { acceptSocket, closeCodeOf, parseSince } from "@millrace/live";
import type { Authenticate, Connection, SocketLimits } from "@millrace/live";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { z } from "zod";
import { DocumentSocket } from "./document-socket.ts";
import type { DocumentSocketPorts } from "./document-socket.ts";
import { documentNotFound } from "./errors.ts";

export type DocumentSocketOptions = DocumentSocketPorts & {
  readonly authenticate: Authenticate;
  readonly logger: Logger;
  readonly limits?: Partial<SocketLimits>;
  readonly clock?: Clock;
};

type SocketRequest = FastifyRequest<{ Params: { id: string }; Querystring: { since?: unknown } }>;

/**
 * `GET /ws/documents/:id/`: the article's messages, each with the number of its event, and `?since=`.
 * A Fastify plugin; `@fastify/websocket` must be registered before it. Without the trailing slash it
 * works when the server ignores trailing slashes.
 */
export function documentSocketRoutes(app: FastifyInstance, options: DocumentSocketOptions): Promise<void> {
  const background = new BackgroundWork(options.logger);
  app.get<{ Params: { id: string }; Querystring: { since?: unknown } }>(
    "/ws/documents/:id/",
    { websocket: true },
    (socket, request) => {
      let session: DocumentSocket | undefined;
      acceptSocket({
        socket,
        request,
        authenticate: options.authenticate,
        logger: options.logger,
        limits: options.limits ?? {},
        ...(options.clock === undefined ? {} : { clock: options.clock }),
        errorMessage: ({ code, message }) => JSON.stringify({ type: "error", message, code }),
        onOpen: async (connection) => {
          const { documentId, since } = readRequest(request);
          const opened = new DocumentSocket(connection, options, documentId);
          const first = await opened.sendStatus();
          session = opened;
          background.run("documents.follow", () => followOrRefuse(connection, opened.follow(first, since)));
        },
        onText: (_connection, text) => session?.receive(text),
      });
    },
  );
  app.addHook("onClose", () => background.settle());
  return Promise.resolve();
}

async function followOrRefuse(connection: Connection, following: Promise<void>): Promise<void> {
  try {
    await following;
  } catch (error) {
    if (connection.signal.aborted) return;
    connection.sendError(error);
    connection.close(closeCodeOf(error), "the end");
  }
}

function readRequest(request: SocketRequest) {
  const id = z.uuid().safeParse(request.params.id);
  if (!id.success) throw documentNotFound();
  const { since } = request.query;
  return {
    documentId: id.data.toLowerCase(),
    since: since === undefined || since === "" ? undefined : parseSince(since),
  };
}
