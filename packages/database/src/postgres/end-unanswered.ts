import { toError } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import type { PoolClient } from "pg";
import { isAnswerOverdue } from "../errors.ts";

/**
 * Ends the connection when a statement on it is not answered in time. The driver only rejects the
 * statement: the pool would hand the same connection out next, and with a server that is gone without a
 * word each statement waits its minute. Only what gives a promise is watched; nothing here uses cursors.
 */
export function endUnanswered(client: PoolClient, logger: Logger): void {
  const onFailure = (error: unknown): void => {
    if (!isAnswerOverdue(error)) return;
    logger.warn({ err: toError(error) }, "a database connection was ended, as it gave no answer");
    // At once not the pool's: the socket's own end is heard after the caller has given the connection back.
    client.end(() => undefined);
    // A farewell that waits behind what was never acknowledged would not end the socket.
    client.connection.stream.destroy();
  };
  // oxlint-disable-next-line typescript/unbound-method -- called with the client that the caller names.
  client.query = new Proxy(client.query, {
    apply: (query, self, given) => {
      const result: unknown = Reflect.apply(query, self, given);
      // Before the caller's own listener, who gives the connection back.
      if (result instanceof Promise) result.catch(onFailure);
      return result;
    },
  });
}
