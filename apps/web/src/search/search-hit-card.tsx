import type { SearchHit } from "@millrace/contracts";
import { Link } from "@tanstack/react-router";
import { keyed } from "../feedback/keyed.ts";
import classes from "./search-hit-card.module.css";

/** A passage with what was hit marked; opens the document's text at its place. */
export function SearchHitCard({ hit, bestScore }: { hit: SearchHit; bestScore: number }) {
  const share = bestScore > 0 ? Math.max(0.06, hit.score / bestScore) : 0;
  return (
    <li className={classes.card}>
      <div className={classes.head}>
        <Link
          to="/documents/$id"
          params={{ id: hit.document_id }}
          search={{ tab: "text", hl: `${hit.char_start}-${hit.char_end}` }}
          className={classes.title}
        >
          {hit.document_title}
        </Link>
        {hit.page === null ? null : <span className={classes.page}>page {hit.page}</span>}
        <span className={classes.score} title={`Score ${hit.score.toFixed(3)}`}>
          <span className={classes.scoreBar} style={{ width: `${share * 100}%` }} />
        </span>
      </div>
      <p className={classes.passage}>
        {keyed(hit.passage, (run) => run.text).map(({ key, item: run }) =>
          run.match ? <mark key={key}>{run.text}</mark> : <span key={key}>{run.text}</span>,
        )}
      </p>
    </li>
  );
}
