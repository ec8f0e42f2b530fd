import type { Document } from "@millrace/contracts";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import type { UseQueryResult } from "@tanstack/react-query";
import { useEffect } from "react";
import { queryKeys } from "../api/query-keys.ts";
import { fetchAnalysis, fetchDocument } from "../api/requests.ts";
import { useLive, usePollInterval } from "../live/live-context.ts";
import { plannedRetryOf, viewFromRequests } from "./document-view.ts";
import type { DocumentView } from "./document-view.ts";
import { isSettled } from "./statuses.ts";

/** One document with its analysis, followed live; polled while the socket is away. */
export function useDocumentView(id: string): UseQueryResult<DocumentView> {
  const { feed } = useLive();
  const queries = useQueryClient();
  const pollMs = usePollInterval();
  useEffect(() => feed.watch(id), [feed, id]);
  return useQuery({
    queryKey: queryKeys.document(id),
    queryFn: async ({ signal }) => {
      const [document, analysis] = await Promise.all([fetchDocument(id, signal), fetchAnalysis(id, signal)]);
      return withFetched(queries.getQueryData<DocumentView>(queryKeys.document(id)), document, analysis);
    },
    refetchInterval: (query) => {
      const view = query.state.data;
      return view !== undefined && !isSettled(view.document) ? pollMs : false;
    },
  });
}

/** Requests know nothing of the job and of event numbers: those stay as the feed left them. */
function withFetched(
  known: DocumentView | undefined,
  document: DocumentView["document"],
  analysis: DocumentView["analysis"],
): DocumentView {
  if (known === undefined) return viewFromRequests(document, analysis);
  const plannedRetry = isSettled(document) ? null : (plannedRetryOf(document) ?? known.plannedRetry);
  return { ...known, document, analysis, plannedRetry };
}

/** A list's document as the feed knows it: rows of running work move without a new list. */
export function useLiveRow(listed: Document): Document {
  const { feed } = useLive();
  const isActive = !isSettled(listed);
  useEffect(() => (isActive ? feed.watch(listed.id) : undefined), [feed, isActive, listed.id]);
  const known = useQuery<DocumentView>({ queryKey: queryKeys.document(listed.id), enabled: false }).data
    ?.document;
  return known === undefined ? listed : newerOf(listed, known);
}

function newerOf(listed: Document, known: Document): Document {
  const difference = Date.parse(known.updated_at) - Date.parse(listed.updated_at);
  return difference > 0 || (difference === 0 && !isSettled(known)) ? known : listed;
}
