import websocket from "@fastify/websocket";
import { closeCodes } from "@millrace/contracts";
import type { FastifyInstance } from "fastify";

/** Frames from browsers are subscriptions of a few hundred bytes. */
const maxFrameBytes = 64 * 1024;

/** A living client answers a close at once; shutdown does not wait longer for a dead one. */
const closeGraceMs = 2000;

/**
 * Lets routes be WebSockets (`{ websocket: true }`). Has to come before the hooks that may refuse a
 * request: the plugin closes the connection of a refused upgrade only if it saw it first.
 */
export async function addWebSockets(app: FastifyInstance): Promise<void> {
  await app.register(websocket, {
    options: {
      maxPayload: maxFrameBytes,
      // Compression costs memory per socket and lets a small frame become a large one.
      perMessageDeflate: false,
      handleProtocols: (offered) => (offered.has("millrace.v1") ? "millrace.v1" : false),
    },
    preClose: (done) => {
      const { clients } = app.websocketServer;
      for (const client of clients) client.close(closeCodes.restart, "The server restarts");
      const timer = setTimeout(() => {
        for (const client of clients) client.terminate();
      }, closeGraceMs);
      // Called when the last client has gone; a timer left behind would hold up the process's end.
      app.websocketServer.close(() => clearTimeout(timer));
      done();
    },
  });
}
