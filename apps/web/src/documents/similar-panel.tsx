import type { Document } from "@millrace/contracts";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { queryKeys } from "../api/query-keys.ts";
import { fetchSimilarDocuments } from "../api/requests.ts";
import classes from "./similar-panel.module.css";
import { isSettled } from "./statuses.ts";

/** What is like this document, each with its most alike passage; nothing when there is none. */
export function SimilarPanel({ document }: { document: Document }) {
  const similar = useQuery({
    queryKey: queryKeys.similarDocuments(document.id),
    queryFn: ({ signal }) => fetchSimilarDocuments(document.id, signal),
    enabled: isSettled(document) && document.text_length !== null,
    staleTime: 60_000,
  });
  const found = similar.data?.data ?? [];
  if (found.length === 0) return null;
  return (
    <section className={classes.card} aria-labelledby="similar-heading">
      <h2 id="similar-heading">Similar documents</h2>
      <ul>
        {found.map(({ document_id: id, title, score, passage }) => (
          <li key={id}>
            <p className={classes.head}>
              <Link to="/documents/$id" params={{ id }} search={{}} className={classes.title}>
                {title}
              </Link>
              <span className={classes.score} title={`Cosine ${score.toFixed(3)}`}>
                {Math.round(score * 100)} %
              </span>
            </p>
            <Link
              to="/documents/$id"
              params={{ id }}
              search={{ tab: "text", hl: `${passage.char_start}-${passage.char_end}` }}
              resetScroll={false}
              className={classes.passage}
            >
              {passage.text.replace(/^#{1,6}[ \t]+/gm, "")}
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}
