import { BackgroundWork, toError } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import type { ChangeNotice, JobTransition } from "../events/event.ts";
import type { EventBus } from "../events/event-bus.ts";
import type { QueueSignal, QueueSignalType } from "./queue-signal.ts";

/** Undefined for what changes neither a queue nor a worker. */
function monitorNotice(signal: QueueSignal): ChangeNotice | undefined {
  if (signal.type === "write.refused") return undefined;
  const data = "queue" in signal ? { queue: signal.queue } : { worker_id: signal.worker.id };
  return { topic: "monitor", owner: null, type: signal.type, data };
}

type JobHooks = {
  readonly [Type in JobTransition["type"] as `job.${Type}`]: JobTransition & { readonly type: Type };
};

type SignalHooks = {
  readonly [Type in QueueSignalType]: Extract<QueueSignal, { readonly type: Type }>;
};

/** What each hook is called with, by its name. */
export type HookEvents = JobHooks & SignalHooks;
export type HookName = keyof HookEvents;

/** All of them. An object, so that one which is missing here does not compile. */
export const hookNames: Readonly<Record<HookName, true>> = {
  "job.enqueued": true,
  "job.started": true,
  "job.succeeded": true,
  "job.failed": true,
  "job.retry_scheduled": true,
  "job.snoozed": true,
  "job.waiting": true,
  "job.answered": true,
  "job.blocked": true,
  "job.unblocked": true,
  "job.handed_back": true,
  "job.crashed": true,
  "job.parked": true,
  "job.released": true,
  "job.due": true,
  "job.cancel_requested": true,
  "job.cancelled": true,
  "job.expired": true,
  "job.retried": true,
  "worker.started": true,
  "worker.draining": true,
  "worker.stopped": true,
  "worker.lost": true,
  "queue.paused": true,
  "queue.resumed": true,
  "write.refused": true,
};

/** Called after the commit. May be async: nobody waits for it until the process stops. */
export type HookListener<Name extends HookName> = (event: HookEvents[Name]) => void | Promise<void>;

/** Listeners of many names, kept without their types: `on` has checked that name and listener fit. */
type AnyListener = (event: JobTransition | QueueSignal) => unknown;

const jobPrefix = "job.";

/**
 * Calls back on what happens to jobs, workers and queues in this process. A listener that throws or
 * rejects is logged; it harms neither the other listeners nor the job. Without listeners of jobs it
 * does not listen itself, and costs nothing.
 */
export class Hooks {
  readonly #bus: EventBus;
  readonly #logger: Logger;
  readonly #pending: BackgroundWork;
  readonly #listeners = new Map<string, Set<AnyListener>>();
  #jobListeners = 0;
  #leaveBus: (() => void) | undefined;

  constructor(bus: EventBus, logger: Logger) {
    this.#bus = bus;
    this.#logger = logger;
    this.#pending = new BackgroundWork(logger);
  }

  /** Calls the listener on every event of this name until the returned function is called. */
  on<Name extends HookName>(name: Name, listener: HookListener<Name>): () => void {
    // A new function each time: the same listener may be added twice, and each addition is undone by itself.
    const added: AnyListener = (event) => (listener as AnyListener)(event);
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(added));
    const isOfJobs = name.startsWith(jobPrefix);
    if (isOfJobs) this.#addJobListener();
    return () => {
      if (!listeners.delete(added)) return;
      if (isOfJobs) this.#removeJobListener();
    };
  }

  /** Tells what happened beside the transitions of jobs, also those who watch the monitor. Never throws. */
  emit(signal: QueueSignal): void {
    const notice = monitorNotice(signal);
    if (notice !== undefined) this.#bus.publishNotice(notice);
    this.#tell(signal.type, signal);
  }

  /** Resolves when what async listeners began has ended; for the end of the process. */
  settle(): Promise<void> {
    return this.#pending.settle();
  }

  #addJobListener(): void {
    this.#jobListeners++;
    this.#leaveBus ??= this.#bus.onTransition((transition) =>
      this.#tell(jobPrefix + transition.type, transition),
    );
  }

  #removeJobListener(): void {
    this.#jobListeners--;
    if (this.#jobListeners > 0) return;
    this.#leaveBus?.();
    this.#leaveBus = undefined;
  }

  #tell(name: string, event: JobTransition | QueueSignal): void {
    const listeners = this.#listeners.get(name);
    if (listeners === undefined) return;
    for (const listener of listeners) this.#call(name, listener, event);
  }

  #call(name: string, listener: AnyListener, event: JobTransition | QueueSignal): void {
    try {
      const result = listener(event);
      if (result instanceof Promise) this.#pending.run(`hook ${name}`, () => result);
    } catch (error) {
      this.#logger.error({ err: toError(error), hook: name }, "a hook failed");
    }
  }
}
