import type { Document, DocumentOutline } from "@millrace/contracts";
import { useQuery } from "@tanstack/react-query";
import type { UseQueryResult } from "@tanstack/react-query";
import { fetchDocumentOutline } from "../../api/requests.ts";
import { queryKeys } from "../../api/query-keys.ts";

/** Pages, headings and pieces of a document's text; of a text that is read anew, those of the new one. */
export function useOutline(document: Document): UseQueryResult<DocumentOutline> {
  const { id, text_length: length, extraction_method: method } = document;
  return useQuery({
    queryKey: queryKeys.documentOutline(id, `${length} ${method}`),
    queryFn: ({ signal }) => fetchDocumentOutline(id, signal),
    enabled: length !== null && length > 0,
    staleTime: Number.POSITIVE_INFINITY,
  });
}
