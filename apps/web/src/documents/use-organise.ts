import type { Collection, DocumentChange, DocumentSelection, TagCount } from "@millrace/contracts";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { isApiProblem } from "../api/problem.ts";
import { queryKeys } from "../api/query-keys.ts";
import { useHasTrash } from "../api/use-system.ts";
import { showDone, showProblem } from "../feedback/toasts.ts";
import { countOf } from "../formatting/numbers.ts";
import {
  changeDocuments,
  countMatching,
  listCollections,
  listTags,
  organiseKeys,
} from "./organise-requests.ts";

const none: readonly never[] = [];

/** Tags in use, to choose from. */
export function useTags(): readonly TagCount[] {
  return (
    useQuery({ queryKey: organiseKeys.tags, queryFn: ({ signal }) => listTags(signal) }).data?.data ?? none
  );
}

/** Collections to choose from. */
export function useCollections(): readonly Collection[] {
  return (
    useQuery({ queryKey: organiseKeys.collections, queryFn: ({ signal }) => listCollections({}, signal) })
      .data?.data ?? none
  );
}

/** How many documents a selection has, from when it was chosen to when a change is refused for being of others. */
export function useMatchingCount(filter: DocumentSelection, { isWanted }: { readonly isWanted: boolean }) {
  return useQuery({
    queryKey: [...organiseKeys.matching, filter],
    queryFn: ({ signal }) => countMatching(filter, signal),
    enabled: isWanted,
    staleTime: Infinity,
    gcTime: 0,
  });
}

const doneWords: Record<DocumentChange["action"], string> = {
  tag: "tagged",
  untag: "changed",
  add_to_collection: "put into the collection",
  remove_from_collection: "taken out of the collection",
  trash: "moved to the trash",
  restore: "restored",
  delete: "deleted for good",
  reprocess: "worked on again",
};

export type ManyChange = {
  readonly filter: DocumentSelection;
  readonly change: DocumentChange;
  /** With another number nothing is done. Default: any number. */
  readonly expectedCount?: number | undefined;
};

/** Changes many documents and says how it went; what could not be changed is named. */
export function useChangeMany(onDone?: () => void) {
  const queries = useQueryClient();
  const hasTrash = useHasTrash();
  return useMutation({
    mutationFn: ({ filter, change, expectedCount }: ManyChange) =>
      changeDocuments(filter, change, expectedCount),
    onSuccess: ({ matched, changed, unchanged, failed, errors, job }, { change }) => {
      onDone?.();
      void queries.invalidateQueries({ queryKey: queryKeys.collections });
      void queries.invalidateQueries({ queryKey: ["document"] });
      const words = doneWords[change.action === "trash" && !hasTrash ? "delete" : change.action];
      if (job !== null) {
        showDone(`${countOf(matched, "document")}: a job goes through them`);
        return;
      }
      const same = unchanged === 0 ? "" : `, ${unchanged} already were`;
      if (changed + unchanged > 0) showDone(`${countOf(changed, "document")} ${words}${same}`);
      if (failed > 0) {
        const reasons = [...new Set(errors.map(({ message }) => message))].join(" ");
        showProblem(`${countOf(failed, "document")} left as it was`, new Error(reasons));
      }
    },
    onError: (error) => {
      showProblem("Nothing was changed", error);
      if (isApiProblem(error) && error.code === "document_count_mismatch")
        return queries.invalidateQueries({ queryKey: organiseKeys.matching });
      return undefined;
    },
  });
}
