import classes from "./figure-list.module.css";

export type Figure = { readonly label: string; readonly value: string; readonly note?: string | undefined };

/** The few numbers that say how it stands. */
export function FigureList({ figures }: { figures: readonly Figure[] }) {
  return (
    <dl className={classes.root}>
      {figures.map(({ label, value, note }) => (
        <div key={label} className={classes.figure}>
          <dt>{label}</dt>
          <dd className={classes.value}>{value}</dd>
          {note === undefined ? null : <dd className={classes.note}>{note}</dd>}
        </div>
      ))}
    </dl>
  );
}
