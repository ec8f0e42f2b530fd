import type { HookListener, HookName, Queue } from "@millrace/queue";
import type { Program } from "./load-program.ts";

/** Calls the listeners of a program for as long as the process lives. */
export function listenToHooks(queue: Queue, { config }: Program): void {
  for (const [name, listener] of Object.entries(config.hooks ?? {})) {
    // Name and listener fit: the type of the configuration says so, and its check knows the names.
    queue.on(name as HookName, listener as HookListener<HookName>);
  }
}
