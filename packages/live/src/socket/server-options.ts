import type { WebsocketPluginOptions } from "@fastify/websocket";
import { closeCodes } from "@millrace/contracts";
import type { Logger } from "@millrace/kernel";

export const liveSubprotocol = "millrace.v1";

/** Options of `ws` that its types do not know yet. */
const newerOptions = {
  // Against floods of tiny fragments: each costs far more memory than the byte it carries.
  maxFragments: 256,
  maxBufferedChunks: 4_096,
  closeTimeout: 5_000,
};

/**
 * How the server registers `@fastify/websocket`, once, for every socket of the product: 64 KiB a
 * message, few fragments, no compression (it multiplies memory per socket), goodbye in 5 s, and
 * code 1012 when the server stops, so that clients come back.
 */
export function webSocketPluginOptions(logger: Logger): WebsocketPluginOptions {
  return {
    options: {
      ...newerOptions,
      maxPayload: 65_536,
      perMessageDeflate: false,
      handleProtocols: (offered) => (offered.has(liveSubprotocol) ? liveSubprotocol : false),
    },
    // Broken frames and lost lines are the client's; the socket has closed itself with the right code.
    errorHandler: (error, _socket, request) => {
      logger.debug({ err: error, path: request.url }, "a socket failed");
    },
    preClose(done) {
      for (const client of this.websocketServer.clients) client.close(closeCodes.restart, "restarting");
      this.websocketServer.close();
      done();
    },
  };
}
