import type { Analysis } from "@millrace/contracts";
import { keyed } from "../feedback/keyed.ts";
import classes from "./part-results.module.css";

type Result<Part extends "summary" | "key_points" | "sentiment" | "topics"> = NonNullable<
  Analysis[Part]["result"]
>;

export function Summary({ result }: { result: Result<"summary"> }) {
  return (
    <div className={classes.summary}>
      {keyedTexts(result.text.split(/\n{2,}/)).map(({ key, item }) => (
        <p key={key}>{item}</p>
      ))}
    </div>
  );
}

export function KeyPoints({ result }: { result: Result<"key_points"> }) {
  if (result.points.length === 0) return <p className={classes.none}>No key points were found.</p>;
  return (
    <ul className={classes.points}>
      {keyedTexts(result.points).map(({ key, item }) => (
        <li key={key}>{item}</li>
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
          {keyedTexts(result.evidence).map(({ key, item }) => (
            <blockquote key={key}>{item}</blockquote>
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
      {keyedTexts(result.topics).map(({ key, item }) => (
        <li key={key}>{item}</li>
      ))}
    </ul>
  );
}

function keyedTexts(texts: readonly string[]) {
  return keyed(texts, (text) => text);
}
