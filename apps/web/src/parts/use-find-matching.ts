import type { JobSelection } from "@millrace/contracts";
import { useMutation } from "@tanstack/react-query";
import { showDone, showProblem } from "../feedback/toasts.ts";
import { findMatching } from "./bulk.ts";
import type { BulkAction } from "./bulk.ts";

type Wanted = { readonly action: BulkAction; readonly filter: JobSelection };

/** Counts the jobs before somebody is asked whether to change them; says so where there is none. */
export function useFindMatching<Given extends Wanted>(
  onFound: (found: Given & { readonly count: number }) => void,
) {
  return useMutation({
    mutationFn: async (wanted: Given) => ({
      ...wanted,
      ...(await findMatching(wanted.action, wanted.filter)),
    }),
    onSuccess: (found) => {
      if (found.count > 0) onFound(found);
      else showDone(found.action === "retry" ? "There is nothing to retry" : "There is nothing to cancel");
    },
    onError: (error) => showProblem("Not counted", error),
  });
}
