import type { Document } from "@millrace/contracts";
import { Button } from "@mantine/core";
import { Moment } from "../formatting/moment.tsx";
import { formatAbsolute } from "../formatting/time.ts";
import { ChooseBox } from "./choose-box.tsx";
import type { Choice } from "./choose-box.tsx";
import classes from "../parts/simple-rows.module.css";
import { FileIcon } from "./file-icon.tsx";
import { useChangeMany } from "./use-organise.ts";

/** Documents in the trash. Nothing can be done with them but to take them out or to let them go. */
export function TrashRows({ documents, choice }: { documents: readonly Document[]; choice: Choice }) {
  return (
    <ul className={classes.list} aria-label="Documents in the trash">
      {documents.map((document) => (
        <TrashRow key={document.id} document={document} choice={choice} />
      ))}
    </ul>
  );
}

function TrashRow({ document, choice }: { document: Document; choice: Choice }) {
  const { id, title, trashed_at: trashedAt, purge_at: purgeAt } = document;
  const restoring = useChangeMany();
  return (
    <li className={classes.row}>
      <ChooseBox document={document} choice={choice} />
      <FileIcon type={document.file_type} />
      <div className={classes.body}>
        <p className={classes.title}>{title}</p>
        <p className={classes.facts}>
          {trashedAt === null ? null : (
            <>
              Deleted <Moment value={trashedAt} />
            </>
          )}
          {purgeAt === null ? null : ` · gone for good ${formatAbsolute(purgeAt)}`}
        </p>
      </div>
      <Button
        size="compact-sm"
        variant="default"
        loading={restoring.isPending}
        aria-label={`Restore ${title}`}
        onClick={() => restoring.mutate({ filter: { ids: [id] }, change: { action: "restore" } })}
      >
        Restore
      </Button>
    </li>
  );
}
