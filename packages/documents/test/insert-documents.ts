import { partNames } from "@millrace/contracts";
import type { Queryable } from "@millrace/database";
import { newId } from "@millrace/kernel";
import type { Access } from "@millrace/kernel";
import { sql } from "kysely";

/** Documents that are done, with a text each, without the work of making them. Their ids, oldest first. */
export async function insertDocuments(
  queryable: Queryable,
  access: Access,
  options: { readonly count: number; readonly title: string; readonly text: string },
): Promise<string[]> {
  const { count, title, text } = options;
  const ids = Array.from({ length: count }, () => newId());
  await sql`
    INSERT INTO document (id, workspace_id, person_id, title, file_size, content_hash, status)
    SELECT id, ${access.workspaceId}, ${access.personId}, ${title} || ' ' || number, 10, 'hash', 'completed'
    FROM unnest(${ids}::uuid[]) WITH ORDINALITY AS given (id, number)`.execute(queryable);
  await sql`
    INSERT INTO document_text (document_id, text)
    SELECT id, ${text} FROM unnest(${ids}::uuid[]) AS given (id)`.execute(queryable);
  await sql`
    INSERT INTO document_part (document_id, part, state, result)
    SELECT id, part, 'pending', NULL
    FROM unnest(${ids}::uuid[]) AS given (id), unnest(${[...partNames]}::text[]) AS parts (part)`.execute(
    queryable,
  );
  return ids;
}
