import { useMediaQuery } from "@mantine/hooks";
import type { ReactNode } from "react";
import classes from "./data-table.module.css";

export type Column<Row> = {
  readonly key: string;
  readonly header: string;
  readonly cell: (row: Row) => ReactNode;
  /** Numbers stand right and in columns; actions have no visible header. Default "text". */
  readonly kind?: "text" | "number" | "actions";
  /** A width for this column in CSS. Default: what the others leave. */
  readonly width?: string;
};

export type DataTableProps<Row> = {
  /** What the rows are, for those who can't see the table around them. */
  readonly label: string;
  /** The first column names the row: it is the heading of a card on narrow screens. */
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  /** Below this width in pixels each row is a card. Default 960. */
  readonly cardsBelow?: number;
};

/** Rows as a table where there is room, as cards on a phone. Cells are the same in both. */
export function DataTable<Row>(props: DataTableProps<Row>) {
  const isNarrow = useMediaQuery(`(max-width: ${props.cardsBelow ?? 960}px)`, undefined, {
    getInitialValueInEffect: false,
  });
  return isNarrow ? <Cards {...props} /> : <Table {...props} />;
}

function Table<Row>({ label, columns, rows, keyOf }: DataTableProps<Row>) {
  return (
    <table className={classes.table}>
      <caption className={classes.unseen}>{label}</caption>
      <colgroup>
        {columns.map(({ key, width }) => (
          <col key={key} style={width === undefined ? undefined : { width }} />
        ))}
      </colgroup>
      <thead>
        <tr>
          {columns.map(({ key, header, kind = "text" }) => (
            <th key={key} scope="col" data-kind={kind}>
              {kind === "actions" ? <span className={classes.unseen}>{header}</span> : header}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={keyOf(row)}>
            {columns.map(({ key, cell, kind = "text" }) => (
              <td key={key} data-kind={kind}>
                {cell(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Cards<Row>({ label, columns, rows, keyOf }: DataTableProps<Row>) {
  const [name, ...others] = columns;
  const facts = others.filter(({ kind }) => kind !== "actions");
  const actions = others.filter(({ kind }) => kind === "actions");
  return (
    <ul className={classes.cards} aria-label={label}>
      {rows.map((row) => (
        <li key={keyOf(row)} className={classes.card}>
          <div className={classes.cardHead}>
            <div className={classes.cardName}>{name?.cell(row)}</div>
            {actions.map(({ key, cell }) => (
              <div key={key} className={classes.cardActions}>
                {cell(row)}
              </div>
            ))}
          </div>
          <dl className={classes.facts}>
            {facts.map(({ key, header, cell, kind = "text" }) => (
              <div key={key} data-kind={kind}>
                <dt>{header}</dt>
                <dd>{cell(row)}</dd>
              </div>
            ))}
          </dl>
        </li>
      ))}
    </ul>
  );
}
