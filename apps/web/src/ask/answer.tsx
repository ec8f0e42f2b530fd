import type { NearestPassage, Question } from "@millrace/contracts";
import IconInfoCircle from "@tabler/icons-react/dist/esm/icons/IconInfoCircle.mjs";
import { Fragment } from "react";
import { CardNote, WrittenText } from "../parts/written-card.tsx";
import { keyed } from "../feedback/keyed.ts";
import { Notice } from "../feedback/notice.tsx";
import { countOf } from "../formatting/numbers.ts";
import { answerRuns, isElsewhere, sourcesOf } from "./answer-runs.ts";
import classes from "./answer.module.css";
import { PassageLink, PlaceWords } from "./passage-link.tsx";

/** What was answered, with the words of the documents that say so; or that nothing was found. */
export function Answer({ question }: { question: Question }) {
  const { outcome, extractive, removed_citations: removed } = question;
  return (
    <>
      {outcome === "answered" ? (
        <>
          {extractive ? null : <AnswerText question={question} />}
          <Sources question={question} />
        </>
      ) : (
        <NotFound question={question} />
      )}
      {removed === 0 ? null : (
        <CardNote>
          {countOf(removed, "citation")} of the model {removed === 1 ? "is" : "are"} not in the text and{" "}
          {removed === 1 ? "was" : "were"} removed.
        </CardNote>
      )}
    </>
  );
}

function AnswerText({ question: { answer, citations } }: { question: Question }) {
  const runs = answerRuns(answer ?? "", citations);
  return (
    <WrittenText>
      {keyed(runs, (run) => (run.kind === "text" ? run.text : `[${run.citation.number}]`)).map(
        ({ key, item: run }) =>
          run.kind === "text" ? (
            <span key={key}>{run.text}</span>
          ) : (
            <PassageLink
              key={key}
              place={run.citation}
              className={classes.mark}
              label={`Source ${run.citation.number}: ${run.citation.document_title}`}
            >
              {run.citation.number}
            </PassageLink>
          ),
      )}
    </WrittenText>
  );
}

function Sources({ question: { citations, extractive } }: { question: Question }) {
  return (
    <section className={classes.sources} aria-label={extractive ? "Sentences found" : "Sources"}>
      <ol className={classes.list}>
        {sourcesOf(citations).map(({ first, quotes }) => (
          <li key={first.number} className={classes.source}>
            <p className={classes.head}>
              <span className={classes.number} aria-hidden="true">
                {first.number}
              </span>
              <PassageLink place={first} className={classes.title}>
                {first.document_title}
              </PassageLink>
              <PlaceWords place={first} />
            </p>
            {quotes.map((quote, index) => (
              <Fragment key={quote.char_start}>
                {isElsewhere(quote, quotes[index - 1] ?? first) ? <PlaceWords place={quote} /> : null}
                <blockquote className={classes.quote}>{quote.quote}</blockquote>
              </Fragment>
            ))}
          </li>
        ))}
      </ol>
    </section>
  );
}

function NotFound({ question: { answer, nearest, passages_read: read } }: { question: Question }) {
  return (
    <>
      <Notice tone="plain" icon={<IconInfoCircle size={18} />}>
        <p>{answer}</p>
        {read === 0 && nearest.length === 0 ? (
          <p>No passage has to do with it. Add documents, or ask with words that they use.</p>
        ) : null}
      </Notice>
      {nearest.length === 0 ? null : (
        <section className={classes.sources} aria-label="The nearest passages">
          <CardNote>The nearest passages:</CardNote>
          <ul className={classes.list}>
            {nearest.map((passage) => (
              <Nearest key={passage.chunk_id} passage={passage} />
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

function Nearest({ passage }: { passage: NearestPassage }) {
  return (
    <li className={classes.source}>
      <p className={classes.head}>
        <PassageLink place={passage} className={classes.title}>
          {passage.document_title}
        </PassageLink>
        <PlaceWords place={passage} />
      </p>
      <p className={classes.excerpt}>{passage.excerpt}</p>
    </li>
  );
}
