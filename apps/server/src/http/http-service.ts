import type { Service } from "@millrace/kernel";
import type { FastifyInstance } from "fastify";
import { cannotListen } from "./errors.ts";
import type { ServerSettings } from "./settings.ts";

/** Requests that are under way when the server stops get this long; then their connections are cut. */
const closeWithinMs = 5_000;

/** The listening server. */
export type HttpService = Service & {
  /** Where it can be reached, such as `http://127.0.0.1:8000`. Throws before start. */
  readonly address: () => string;
};

/**
 * Listens at start and, at stop, ends when every request has been answered, or cuts those that take
 * longer than 5 s, such as a slow upload. Throws `address_in_use` or `address_unavailable`.
 */
export function createHttpService(options: {
  readonly app: FastifyInstance;
  readonly settings: Pick<ServerSettings, "HOST" | "PORT">;
  /** Not together with other processes of the same supervisor. Default false: they share one port. */
  readonly isExclusive?: boolean;
}): HttpService {
  const { app, settings, isExclusive: exclusive = false } = options;
  let started: Promise<string> | undefined;
  let url: string | undefined;

  const listen = async (): Promise<string> => {
    try {
      return await app.listen({ host: settings.HOST, port: settings.PORT, exclusive });
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (code !== "EADDRINUSE" && code !== "EADDRNOTAVAIL" && code !== "EACCES" && code !== "ENOTFOUND")
        throw error;
      throw cannotListen({
        host: settings.HOST,
        port: settings.PORT,
        isInUse: code === "EADDRINUSE",
        cause: error,
      });
    }
  };

  return {
    name: "http server",
    start: async () => {
      url = await (started ??= listen());
    },
    stop: async () => {
      const cut = setTimeout(() => app.server.closeAllConnections(), closeWithinMs);
      try {
        await app.close();
      } finally {
        clearTimeout(cut);
      }
    },
    address: () => {
      if (url === undefined) throw new Error("The HTTP server has not been started");
      return url;
    },
  };
}
