import type { QueryAccess } from "@millrace/database";
import { sql } from "kysely";
import { removeUnusedFile } from "../files/index.ts";
import type { FileStore } from "../files/index.ts";
import { deleteRows } from "./trash.ts";

/** Ids per look; each document goes in a transaction of its own. */
const batch = 100;

/**
 * Deletes documents for good whose time in the trash is over, with text, passages, vectors and the file
 * that no other document has. What is restored meanwhile stays, and what somebody still works on waits for the next time. Resolves with how many.
 */
export async function purgeTrash(
  database: QueryAccess,
  { files, signal }: { readonly files: FileStore; readonly signal: AbortSignal },
): Promise<number> {
  let purged = 0;
  for (let last = "00000000-0000-0000-0000-000000000000"; ;) {
    const found = await sql<{ id: string }>`
      SELECT id FROM document WHERE trashed_at IS NOT NULL AND purge_at <= now() AND id > ${last}
      ORDER BY id LIMIT ${batch}`.execute(database.queryable);
    for (const { id } of found.rows) {
      signal.throwIfAborted();
      const gone = await database.transaction(async (transaction) => {
        const locked = await sql<{ file_key: string | null }>`
          SELECT file_key FROM document
          WHERE id = ${id} AND purge_at <= now() AND status NOT IN ('uploaded', 'processing') FOR UPDATE`.execute(
          transaction,
        );
        if (locked.rows.length > 0) await deleteRows(transaction, id);
        return locked.rows[0];
      });
      if (gone === undefined) continue;
      // When this process dies here, the upkeep of files finds that no document knows it.
      if (gone.file_key !== null) await removeUnusedFile(database.queryable, files, gone.file_key);
      purged += 1;
    }
    if (found.rows.length < batch) return purged;
    last = found.rows.at(-1)?.id ?? last;
  }
}
