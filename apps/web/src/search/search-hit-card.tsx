import type { SearchHit } from "@millrace/contracts";
import { Link } from "@tanstack/react-router";
import IconChevronDown from "@tabler/icons-react/dist/esm/icons/IconChevronDown.mjs";
import { useState } from "react";
import { keyed } from "../feedback/keyed.ts";
import { countOf } from "../formatting/numbers.ts";
import type { HitGroup } from "./group-hits.ts";
import { ScoreExplanation } from "./score-explanation.tsx";
import classes from "./search-hit-card.module.css";

/** A document's best passage, and its other ones behind a button. */
export function SearchHitCard({ group, bestScore }: { group: HitGroup; bestScore: number }) {
  const { best, others } = group;
  const [isOpen, setIsOpen] = useState(false);
  const share = bestScore > 0 ? Math.max(0.06, best.score / bestScore) : 0;
  return (
    <li className={classes.card}>
      <div className={classes.head}>
        <PassageLink hit={best} className={classes.title}>
          {best.document_title}
        </PassageLink>
        <Place hit={best} />
        <span className={classes.score} title={`Score ${best.score.toFixed(3)}`}>
          <span className={classes.scoreBar} style={{ width: `${share * 100}%` }} />
        </span>
      </div>
      <Passage hit={best} />
      <Explained hit={best} />
      {others.length === 0 ? null : (
        <button
          type="button"
          className={classes.more}
          aria-expanded={isOpen}
          onClick={() => setIsOpen(!isOpen)}
        >
          <IconChevronDown size={16} aria-hidden="true" />
          {countOf(others.length, "more passage")}
        </button>
      )}
      {isOpen ? (
        <ul className={classes.others}>
          {others.map((hit) => (
            <li key={hit.chunk_id}>
              <Passage hit={hit} />
              <Explained hit={hit} />
              <p className={classes.place}>
                <PassageLink hit={hit}>Open this passage</PassageLink>
                <Place hit={hit} />
              </p>
            </li>
          ))}
        </ul>
      ) : null}
    </li>
  );
}

/** Opens the document's text at the passage, which scrolls itself into view. */
function PassageLink({
  hit,
  children,
  className,
}: {
  hit: SearchHit;
  children: string;
  className?: string | undefined;
}) {
  return (
    <Link
      to="/documents/$id"
      params={{ id: hit.document_id }}
      search={{ tab: "text", hl: `${hit.char_start}-${hit.char_end}` }}
      resetScroll={false}
      className={className}
    >
      {children}
    </Link>
  );
}

/** Where in the document it stands, as far as that is known. */
function Place({ hit: { page, section } }: { hit: SearchHit }) {
  return (
    <>
      {section === null ? null : (
        <span className={classes.section} title={section}>
          {section}
        </span>
      )}
      {page === null ? null : <span className={classes.page}>page {page}</span>}
    </>
  );
}

function Explained({ hit: { score, explanation } }: { hit: SearchHit }) {
  return explanation === undefined ? null : <ScoreExplanation score={score} explanation={explanation} />;
}

function Passage({ hit }: { hit: SearchHit }) {
  return (
    <p className={classes.passage}>
      {keyed(hit.passage, (run) => run.text).map(({ key, item: run }) =>
        run.match ? <mark key={key}>{run.text}</mark> : <span key={key}>{run.text}</span>,
      )}
    </p>
  );
}
