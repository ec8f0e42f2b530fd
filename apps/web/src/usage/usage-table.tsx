import type { UsageRow } from "@millrace/contracts";
import { DataTable } from "../parts/data-table.tsx";
import type { Column } from "../parts/data-table.tsx";
import { costWords } from "../formatting/money.ts";
import { formatCount } from "../formatting/numbers.ts";
import rowClasses from "../parts/row.module.css";
import classes from "./usage-page.module.css";

const columns: readonly Column<UsageRow>[] = [
  {
    key: "model",
    header: "Model and purpose",
    cell: (row) => (
      <>
        <span className={classes.name}>{row.model}</span>
        <p className={rowClasses.below}>{row.purpose}</p>
      </>
    ),
  },
  { key: "calls", header: "Calls", kind: "number", width: "90px", cell: (row) => formatCount(row.calls) },
  { key: "saved", header: "Saved", kind: "number", width: "90px", cell: (row) => formatCount(row.saved) },
  {
    key: "failed",
    header: "Failed",
    kind: "number",
    width: "90px",
    cell: (row) => (
      <span className={row.failed > 0 ? rowClasses.bad : undefined}>{formatCount(row.failed)}</span>
    ),
  },
  {
    key: "read",
    header: "Tokens read",
    kind: "number",
    width: "120px",
    cell: (row) => formatCount(row.input_tokens),
  },
  {
    key: "written",
    header: "Tokens written",
    kind: "number",
    width: "120px",
    cell: (row) => formatCount(row.output_tokens),
  },
  {
    key: "cost",
    header: "Cost",
    kind: "number",
    width: "140px",
    cell: (row) => (row.answered === 0 ? "—" : costWords(row)),
  },
];

/** What was used for what, what cost most first. */
export function UsageTable({ rows }: { rows: readonly UsageRow[] }) {
  return (
    <DataTable
      label="Calls by model and purpose, what cost most first"
      columns={columns}
      rows={rows}
      keyOf={(row) => `${row.model} ${row.purpose}`}
    />
  );
}
