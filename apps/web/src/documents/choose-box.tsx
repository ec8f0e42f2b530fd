import type { Document } from "@millrace/contracts";
import classes from "./choose-box.module.css";

/** Which documents of a list are chosen, by their ids. */
export type Choice = {
  readonly chosen: ReadonlySet<string>;
  readonly onChoose: (id: string, isChosen: boolean) => void;
};

/** Chooses one document of a list; nothing where nothing can be chosen. */
export function ChooseBox({ document, choice }: { document: Document; choice: Choice | undefined }) {
  if (choice === undefined) return null;
  return (
    <label className={classes.target}>
      <input
        type="checkbox"
        className={classes.box}
        aria-label={`Choose ${document.title}`}
        checked={choice.chosen.has(document.id)}
        onChange={(event) => choice.onChoose(document.id, event.currentTarget.checked)}
      />
    </label>
  );
}
