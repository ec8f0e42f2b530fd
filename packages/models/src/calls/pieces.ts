import { toError } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import type { TurnRequest } from "../turn.ts";

/**
 * Tells a watcher the pieces of an answer. `begin` starts an answer and gives what tells its pieces, or undefined
 * when nobody watches. The first piece of a later answer says that what was told before no longer counts. A
 * watcher that throws is told nothing more: its mistake is neither the answer's nor the server's.
 */
export function tellPieces(
  onText: TurnRequest["onText"],
  logger: Logger,
): {
  readonly begin: () => ((text: string) => void) | undefined;
} {
  let hasTold = false;
  let hasFailed = false;
  return {
    begin: () => {
      if (onText === undefined) return undefined;
      let reset = hasTold;
      return (text) => {
        if (hasFailed) return;
        hasTold = true;
        try {
          onText({ text, reset });
        } catch (error) {
          hasFailed = true;
          logger.error({ err: toError(error) }, "what watches an answer of a model failed");
        }
        reset = false;
      };
    },
  };
}
