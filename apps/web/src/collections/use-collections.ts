import type { Collection } from "@millrace/contracts";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { queryKeys } from "../api/query-keys.ts";
import {
  createCollection,
  deleteCollection,
  listCollections,
  organiseKeys,
  renameCollection,
} from "../documents/organise-requests.ts";
import { showDone, showProblem } from "../feedback/toasts.ts";

const pageSize = 50;

/** All collections, newest first, a page more each time. */
export function useCollectionList() {
  return useInfiniteQuery({
    queryKey: [...organiseKeys.collections, "pages"],
    queryFn: ({ pageParam, signal }) => listCollections({ limit: pageSize, cursor: pageParam }, signal),
    // Typed by hand: the first page has no cursor.
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
}

export type CollectionChange =
  | { readonly action: "create"; readonly name: string }
  | { readonly action: "rename"; readonly collection: Collection; readonly name: string }
  | { readonly action: "delete"; readonly collection: Collection };

const doneWords: Record<CollectionChange["action"], string> = {
  create: "Made",
  rename: "Renamed",
  delete: "Deleted; its documents are where they were",
};

/** Makes, renames and deletes collections. A name that is taken is refused, which is said. */
export function useChangeCollection(onDone: () => void) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: send,
    onSuccess: (_answer, { action }) => {
      onDone();
      showDone(doneWords[action]);
      // Documents say the names of their collections, and so do the filters.
      void queries.invalidateQueries({ queryKey: queryKeys.collections });
      void queries.invalidateQueries({ queryKey: ["document"] });
    },
    onError: (error) => showProblem("Nothing was changed", error),
  });
}

async function send(change: CollectionChange): Promise<void> {
  if (change.action === "create") await createCollection(change.name);
  else if (change.action === "rename") await renameCollection(change.collection.id, change.name);
  else await deleteCollection(change.collection.id);
}
