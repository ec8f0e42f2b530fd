import type { Analysis } from "@millrace/contracts";
import classes from "./part-results.module.css";

type Result<Part extends "summary" | "key_points" | "sentiment" | "topics"> = NonNullable<
  Analysis[Part]["result"]
>;

export function Summary({ result }: { result: Result<"summary"> }) {
  return (
    <div className={classes.summary}>
      {result.text.split(/\n{2,}/).map((paragraph, position) => (
        <p key={position}>{paragraph}</p>
      ))}
    </div>
  );
}

export function KeyPoints({ result }: { result: Result<"key_points"> }) {
  if (result.points.length === 0) return <p className={classes.none}>No key points were found.</p>;
  return (
    <ul className={classes.points}>
      {result.points.map((point, position) => (
        <li key={position}>{point}</li>
      ))}
    </ul>
  );
}

export function Sentiment({ result }: { result: Result<"sentiment"> }) {
  // -1 … 1 becomes 0 … 100 % of the scale.
  const position = `${((Math.min(1, Math.max(-1, result.score)) + 1) / 2) * 100}%`;
  const score = `${result.score > 0 ? "+" : ""}${result.score.toFixed(2)}`;
  return (
    <>
      <p className={classes.verdict}>
        <strong data-label={result.label}>{result.label}</strong>
        <span>{score}</span>
      </p>
      <div className={classes.scale} aria-hidden="true">
        <span className={classes.needle} data-label={result.label} style={{ left: position }} />
      </div>
      <p className={classes.ends} aria-hidden="true">
        <span>negative</span>
        <span>positive</span>
      </p>
      {result.evidence.length === 0 ? null : (
        <details className={classes.evidence}>
          <summary>Why?</summary>
          {result.evidence.map((text, index) => (
            <blockquote key={index}>{text}</blockquote>
          ))}
        </details>
      )}
    </>
  );
}

export function Topics({ result }: { result: Result<"topics"> }) {
  if (result.topics.length === 0) return <p className={classes.none}>No topics were found.</p>;
  return (
    <ul className={classes.topics}>
      {result.topics.map((topic) => (
        <li key={topic}>{topic}</li>
      ))}
    </ul>
  );
}
