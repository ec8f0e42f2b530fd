import type { ScoreExplanation as Explanation } from "@millrace/contracts";
import classes from "./score-explanation.module.css";

/** Which side found a passage at which place, and what that adds to its score. */
export function ScoreExplanation({ score, explanation }: { score: number; explanation: Explanation }) {
  const { full_text: text, vectors } = explanation;
  return (
    <dl className={classes.sides} aria-label="How the score came about">
      <Side name="Words" weight={text?.weight} contribution={text?.contribution}>
        {text === null
          ? "holds none of them"
          : `place ${text.rank}, holds ${Math.round(text.coverage * 100)} % of the words`}
      </Side>
      <Side name="Vectors" weight={vectors?.weight} contribution={vectors?.contribution}>
        {vectors === null
          ? "not among the nearest"
          : `place ${vectors.rank}, similarity ${vectors.similarity.toFixed(2)}`}
      </Side>
      <div>
        <dt>Score</dt>
        <dd>{score.toFixed(4)}</dd>
      </div>
    </dl>
  );
}

function Side(props: {
  name: string;
  children: string;
  weight: number | undefined;
  contribution: number | undefined;
}) {
  const { name, children, weight, contribution } = props;
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {children}
        {contribution === undefined ? null : (
          <span className={classes.share}>
            {" "}
            +{contribution.toFixed(4)}
            {weight === 1 ? "" : `, weighs ${weight}`}
          </span>
        )}
      </dd>
    </div>
  );
}
