import { findSupervision } from "../processes/supervised-process.ts";
import type { OwnEnd, RunningRole } from "../roles/role.ts";
import { exitCodes } from "./exit-codes.ts";

const codeOfEnd = { worker_stopped: exitCodes.ok, memory_limit: exitCodes.restart } satisfies Record<
  OwnEnd,
  number
>;

/**
 * Runs a role until a signal, its supervisor or the role itself ends it. The first signal lets what runs end
 * for a moment, the second does not wait for that, the third ends the process. Ends the process itself once
 * everything has stopped: nothing left behind may keep it.
 */
export async function runRole(starting: Promise<RunningRole>): Promise<never> {
  const stopped = Promise.withResolvers<void>();
  // A start that fails is told of by itself; a signal meanwhile only hears of it too.
  stopped.promise.catch(() => undefined);
  let isStopping = false;
  const stop = (): void => {
    if (isStopping) return;
    isStopping = true;
    starting.then((role) => role.stop()).then(stopped.resolve, stopped.reject);
  };
  const hurry = (): void => void starting.then((role) => role.hurry()).catch(stopped.reject);
  const supervision = findSupervision();
  if (supervision === undefined) {
    heedSignals(stop, hurry);
  } else {
    let isStarted = false;
    starting.then(
      () => (isStarted = true),
      () => undefined,
    );
    supervision.listen((message) => {
      // The supervisor opens the port of an API process: without it such a start never ends.
      if (!process.connected && !isStarted) process.exit(exitCodes.failed);
      if (message === "stop") stop();
      else hurry();
    });
    // A Ctrl-C reaches us and the supervisor, who counts them for all.
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, stop);
  }
  const role = await starting;
  process.stdout.write(`${role.greeting}\n`);
  supervision?.tellReady();
  let code: number = exitCodes.ok;
  void role.wantsToEnd.then((why) => {
    if (isStopping) return;
    code = codeOfEnd[why];
    stop();
  });
  await stopped.promise;
  process.exit(code);
}

function heedSignals(stop: () => void, hurry: () => void): void {
  let signals = 0;
  const onSignal = (): void => {
    signals++;
    if (signals > 2) process.exit(exitCodes.interrupted);
    if (signals === 2) return hurry();
    process.stderr.write("Stopping. Running jobs go back to their queue; once more to hurry.\n");
    stop();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  // Started by a process that watches over it: without that one nobody could stop this one.
  if (process.connected) process.once("disconnect", onSignal);
}
