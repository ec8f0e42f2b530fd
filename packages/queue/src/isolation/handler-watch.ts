import type { AnyTaskHandler } from "../tasks/task.ts";

/**
 * Knows whether handlers have left something behind in this process: one that goes on although its
 * attempt has ended, or one that was told to stop, whose calls may not have listened.
 */
export class HandlerWatch {
  #atWork = 0;
  #wasStopped = false;

  get isClean(): boolean {
    return this.#atWork === 0 && !this.#wasStopped;
  }

  watched(handler: AnyTaskHandler): AnyTaskHandler {
    return {
      ...handler,
      run: async (context) => {
        this.#atWork++;
        try {
          return await handler.run(context);
        } finally {
          this.#atWork--;
          this.#wasStopped ||= context.signal.aborted;
        }
      },
    };
  }
}
