import { BackgroundWork } from "@millrace/kernel";
import type { Clock, Logger } from "@millrace/kernel";
import type { FastifyInstance } from "fastify";
import { upgradeRequired } from "../errors.ts";
import { acceptSocket } from "./connection.ts";
import type { Authenticate } from "./connection.ts";
import type { SocketLimits } from "./limits.ts";
import { errorFrame, LiveSession } from "./live-session.ts";
import { liveSubprotocol } from "./server-options.ts";
import type { SubscriptionPorts } from "./subscription.ts";

export type LiveSocketOptions = SubscriptionPorts & {
  readonly authenticate: Authenticate;
  readonly logger: Logger;
  /** Default `/api/ws`. */
  readonly path?: string;
  readonly limits?: Partial<SocketLimits>;
  readonly clock?: Clock;
};

/**
 * `GET /api/ws`, subprotocol `millrace.v1`. A Fastify plugin; `@fastify/websocket` must be registered
 * before it, with `webSocketPluginOptions`.
 */
export function liveSocketRoutes(app: FastifyInstance, options: LiveSocketOptions): Promise<void> {
  const background = new BackgroundWork(options.logger);
  app.route({
    method: "GET",
    url: options.path ?? "/api/ws",
    schema: {
      tags: ["Live"],
      summary: `A WebSocket for everything live, subprotocol ${liveSubprotocol}`,
      description: "Frames are described in the guide to the API; without an upgrade it answers 426.",
    },
    handler: () => {
      throw upgradeRequired();
    },
    wsHandler: (socket, request) => {
      if (socket.protocol !== "" && socket.protocol !== liveSubprotocol) {
        socket.close(1002, `speak ${liveSubprotocol}`);
        return;
      }
      let session: LiveSession | undefined;
      acceptSocket({
        socket,
        request,
        authenticate: options.authenticate,
        logger: options.logger,
        limits: options.limits ?? {},
        ...(options.clock === undefined ? {} : { clock: options.clock }),
        errorMessage: errorFrame,
        onOpen: (connection) => {
          session = new LiveSession(connection, options, background);
          session.greet();
        },
        onText: (_connection, text) => session?.receive(text),
      });
    },
  });
  app.addHook("onClose", () => background.settle());
  return Promise.resolve();
}
