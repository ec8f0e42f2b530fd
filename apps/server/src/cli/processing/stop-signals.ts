import { exitCodes } from "../exit-codes.ts";
import { interrupted } from "../errors.ts";

export type StopSignals = {
  /** Aborts with `interrupted` at the first Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
  readonly close: () => void;
};

/** The first Ctrl-C asks for an orderly end; the second leaves at once. */
export function listenForStop(): StopSignals {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(exitCodes.interrupted);
    controller.abort(interrupted());
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return {
    signal: controller.signal,
    close: () => {
      process.off("SIGINT", onSignal);
      process.off("SIGTERM", onSignal);
    },
  };
}
