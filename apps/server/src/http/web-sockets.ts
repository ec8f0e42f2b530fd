import websocket from "@fastify/websocket";
import type { Logger } from "@millrace/kernel";
import { webSocketPluginOptions } from "@millrace/live";
import type { FastifyInstance } from "fastify";

/** A living client answers a close at once; shutdown does not wait longer for a dead one. */
const closeGraceMs = 2000;

/**
 * Lets routes be WebSockets (`{ websocket: true }`). Has to come before the hooks that may refuse a
 * request: the plugin closes the connection of a refused upgrade only if it saw it first.
 */
export async function addWebSockets(app: FastifyInstance, logger: Logger): Promise<void> {
  await app.register(websocket, webSocketPluginOptions(logger));
  app.addHook("preClose", async () => {
    const { clients } = app.websocketServer;
    const timer = setTimeout(() => {
      for (const client of clients) client.terminate();
    }, closeGraceMs);
    timer.unref();
  });
}
