import type { Document } from "@millrace/contracts";
import { Link } from "@tanstack/react-router";
import rowClasses from "../parts/row.module.css";
import { Moment } from "../formatting/moment.tsx";
import { formatBytes } from "../formatting/numbers.ts";
import { ChooseBox } from "./choose-box.tsx";
import type { Choice } from "./choose-box.tsx";
import { DocumentSummaryLine } from "./document-summary-line.tsx";
import classes from "./documents-table.module.css";
import { LabelLine } from "./label-line.tsx";
import { FileIcon } from "./file-icon.tsx";
import { PartDots } from "./part-dots.tsx";
import { RowMenu } from "./row-menu.tsx";
import { StatusBadge } from "./status-badge.tsx";
import { useLiveRow } from "./use-document.ts";

export function DocumentsTable({ documents, choice }: { documents: readonly Document[]; choice: Choice }) {
  return (
    <table className={classes.table}>
      <caption className={classes.caption}>Documents, newest first</caption>
      <thead>
        <tr>
          <th scope="col">Title</th>
          <th scope="col">Status</th>
          <th scope="col">Parts</th>
          <th scope="col" className={classes.size}>
            Size
          </th>
          <th scope="col">Added</th>
          <th scope="col">
            <span className={classes.caption}>Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {documents.map((document) => (
          <DocumentTableRow key={document.id} listed={document} choice={choice} />
        ))}
      </tbody>
    </table>
  );
}

function DocumentTableRow({ listed, choice }: { listed: Document; choice: Choice }) {
  const document = useLiveRow(listed);
  return (
    <tr>
      <td>
        <div className={classes.name}>
          <ChooseBox document={document} choice={choice} />
          <FileIcon type={document.file_type} />
          <div className={classes.nameText}>
            <Link
              to="/documents/$id"
              params={{ id: document.id }}
              className={`${rowClasses.link} ${rowClasses.oneLine}`}
            >
              {document.title}
            </Link>
            <DocumentSummaryLine document={document} />
            <LabelLine document={document} />
          </div>
        </div>
      </td>
      <td>
        <StatusBadge status={document.status} />
      </td>
      <td>
        <PartDots parts={document.parts} />
      </td>
      <td className={classes.size}>{formatBytes(document.file_size)}</td>
      <td className={classes.added}>
        <Moment value={document.created_at} />
      </td>
      <td className={classes.menu}>
        <RowMenu document={document} />
      </td>
    </tr>
  );
}
