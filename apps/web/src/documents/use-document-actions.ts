import type { AcceptedDocument, Document, PartName } from "@millrace/contracts";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { queryKeys } from "../api/query-keys.ts";
import {
  cancelProcessing,
  deleteDocument,
  giveDocumentPassword,
  renameDocument,
  reprocessDocument,
  rerunPart,
  retryFailedParts,
  retryPart,
} from "../api/requests.ts";
import { useHasTrash } from "../api/use-system.ts";
import { actOnJob } from "../jobs/job-requests.ts";
import { showDone, showProblem } from "../feedback/toasts.ts";
import type { DocumentView } from "./document-view.ts";

export type WorkAction = "reprocess" | "cancel" | "retry_failed";

const requests: Record<WorkAction, (id: string) => Promise<AcceptedDocument>> = {
  reprocess: reprocessDocument,
  cancel: cancelProcessing,
  retry_failed: retryFailedParts,
};

const refusals: Record<WorkAction, string> = {
  reprocess: "Not reprocessed",
  cancel: "Not cancelled",
  retry_failed: "Not retried",
};

/** Starts, stops and repeats the work on one document; refusals are shown as toasts. */
export function useWorkAction(id: string) {
  const refresh = useRefresh(id);
  return useMutation({
    mutationFn: (action: WorkAction) => requests[action](id),
    onSuccess: ({ document }) => refresh(document),
    onError: (error, action) => {
      showProblem(refusals[action], error);
      // A refusal often means that what is on screen is old.
      refresh();
    },
  });
}

/** Gives the password of a locked PDF; what is wrong with it is for the field to tell. */
export function useUnlock(id: string) {
  const refresh = useRefresh(id);
  return useMutation({
    mutationFn: (password: string) => giveDocumentPassword(id, password),
    // Not longer in memory than the form is there.
    gcTime: 0,
    onSuccess: ({ document }) => refresh(document),
  });
}

export function useRetryPart(id: string) {
  const refresh = useRefresh(id);
  return useMutation({
    mutationFn: (part: PartName) => retryPart(id, part),
    onSuccess: ({ document }) => refresh(document),
    onError: (error) => {
      showProblem("Not retried", error);
      refresh();
    },
  });
}

/** Makes a part again by a model, beside what is there. */
export function useRerunPart(id: string) {
  const refresh = useRefresh(id);
  return useMutation({
    mutationFn: ({ part, model }: { part: PartName; model: string }) => rerunPart(id, part, model),
    onSuccess: ({ document }) => refresh(document),
    onError: (error) => {
      showProblem("Not made again", error);
      refresh();
    },
  });
}

/** Stops the job that makes a part again. */
export function useCancelRerun(id: string) {
  const refresh = useRefresh(id);
  return useMutation({
    mutationFn: (jobId: string) => actOnJob(jobId, "cancel"),
    onSuccess: () => refresh(),
    onError: (error) => {
      showProblem("Not stopped", error);
      refresh();
    },
  });
}

/** Renames at once on screen, and takes it back when the server refuses. */
export function useRename(id: string) {
  const queries = useQueryClient();
  const refresh = useRefresh(id);
  const key = queryKeys.document(id);
  return useMutation({
    mutationFn: (title: string) => renameDocument(id, title),
    onMutate: (title) => {
      const before = queries.getQueryData<DocumentView>(key);
      if (before !== undefined) {
        queries.setQueryData<DocumentView>(key, { ...before, document: { ...before.document, title } });
      }
      return before?.document.title;
    },
    onSuccess: (document) => refresh(document),
    onError: (error, _title, titleBefore) => {
      queries.setQueryData<DocumentView>(key, (view) =>
        view === undefined || titleBefore === undefined
          ? view
          : { ...view, document: { ...view.document, title: titleBefore } },
      );
      showProblem("Not renamed", error);
    },
  });
}

export function useDelete(onDeleted?: () => void) {
  const queries = useQueryClient();
  const hasTrash = useHasTrash();
  return useMutation({
    mutationFn: (document: Document) => deleteDocument(document.id),
    onSuccess: (_nothing, document) => {
      onDeleted?.();
      queries.removeQueries({ queryKey: queryKeys.document(document.id) });
      void queries.invalidateQueries({ queryKey: queryKeys.collections });
      showDone(hasTrash ? `Moved “${document.title}” to the trash` : `Deleted “${document.title}”`);
    },
    onError: (error) => showProblem("Not deleted", error),
  });
}

function useRefresh(id: string): (document?: Document) => void {
  const queries = useQueryClient();
  return (document) => {
    if (document !== undefined) {
      queries.setQueryData<DocumentView>(queryKeys.document(id), (view) =>
        view === undefined ? undefined : { ...view, document },
      );
    }
    void queries.invalidateQueries({ queryKey: queryKeys.document(id) });
    void queries.invalidateQueries({ queryKey: queryKeys.collections });
  };
}
