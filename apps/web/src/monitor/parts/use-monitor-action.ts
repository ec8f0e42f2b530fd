import { useMutation, useQueryClient } from "@tanstack/react-query";
import type { UseMutationResult } from "@tanstack/react-query";
import { showDone, showProblem } from "../../feedback/toasts.ts";
import { monitorRoot } from "./monitor-keys.ts";

export type MonitorAction<Wanted, Answer> = {
  readonly run: (wanted: Wanted) => Promise<Answer>;
  /** What to say when it was done; undefined says nothing. */
  readonly done: (answer: Answer, wanted: Wanted) => string | undefined;
  /** The title of the toast when it was refused: "Not paused". */
  readonly refused: string;
  readonly onDone?: () => void;
};

/**
 * One thing an operator does. The outcome is said in a toast, and everything on screen is asked for
 * anew, also after a refusal: it often means that what is on screen is old.
 */
export function useMonitorAction<Wanted, Answer>(
  action: MonitorAction<Wanted, Answer>,
): UseMutationResult<Answer, Error, Wanted> {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: action.run,
    onSuccess: (answer, wanted) => {
      const message = action.done(answer, wanted);
      if (message !== undefined) showDone(message);
      action.onDone?.();
    },
    onError: (error) => showProblem(action.refused, error),
    onSettled: () => queries.invalidateQueries({ queryKey: monitorRoot }),
  });
}
