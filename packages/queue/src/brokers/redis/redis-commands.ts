import { withoutCommand } from "@millrace/cache";
import { sleep } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import type { Redis } from "ioredis";
import type { RedisConnection } from "./redis-connection.ts";
import { RedisLink } from "./redis-link.ts";
import type { RedisTimes } from "./redis-times.ts";

/** The connection for everything that does not wait for hints. */
export class RedisCommands {
  readonly #link: RedisLink;
  #connection: RedisConnection | undefined;
  #isStarted = false;

  /** `onUp` is called for each new connection that works, with what the server says of itself. */
  constructor(parts: {
    readonly url: string;
    readonly name: string;
    readonly logger: Logger;
    readonly times: RedisTimes;
    readonly onUp: (info: string) => void;
  }) {
    this.#link = new RedisLink({
      ...parts,
      purpose: "announce work",
      use: async (connection, works) => {
        this.#connection = connection;
        try {
          const info = await readInfo(connection);
          if (/^role:slave/m.test(info)) throw new Error("this server is a replica, which takes no hints");
          works();
          parts.onUp(info);
          await look(connection, parts.times.lookEveryMs);
        } finally {
          this.#connection = undefined;
        }
      },
    });
  }

  get works(): boolean {
    return this.#link.works;
  }

  get isRefused(): boolean {
    return this.#link.isRefused;
  }

  start(): void {
    this.#isStarted = true;
    this.#link.start();
  }

  async stop(): Promise<void> {
    await this.#link.stop();
  }

  /**
   * Right after the start waits for the first connection. Throws what the server answers, and in bounded time
   * when it does not answer or there is none.
   */
  async run<Answer>(command: (client: Redis) => Promise<Answer>): Promise<Answer> {
    if (this.#isStarted) await this.#link.tried;
    const connection = this.#connection;
    if (connection === undefined) throw new Error("there is no connection to Redis");
    try {
      return await connection.inTime(command(connection.client));
    } catch (error) {
      // Whatever is no answer says that nothing comes through.
      if (!isAnswer(error)) connection.fail(new Error("Redis does not answer"));
      // After a failover the address leads elsewhere, but only for new connections.
      else if (error.message.startsWith("READONLY")) connection.fail(withoutCommand(error));
      throw isAnswer(error) ? withoutCommand(error) : error;
    }
  }
}

/** Empty where we may not ask. */
async function readInfo({ client, inTime }: RedisConnection): Promise<string> {
  return await inTime(client.info().catch(() => ""));
}

async function look({ client, inTime, signal }: RedisConnection, everyMs: number): Promise<never> {
  for (;;) {
    await sleep(everyMs, signal);
    await inTime(client.ping());
  }
}

function isAnswer(error: unknown): error is Error {
  return error instanceof Error && (error.name === "ReplyError" || error.name === "ZodError");
}
