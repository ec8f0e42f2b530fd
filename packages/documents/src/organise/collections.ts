import { foldName } from "@millrace/contracts";
import type { Collection } from "@millrace/contracts";
import { isUniqueViolation } from "@millrace/database";
import type { Queryable } from "@millrace/database";
import { newId } from "@millrace/kernel";
import type { Access } from "@millrace/kernel";
import type { Queue, WriteScope } from "@millrace/queue";
import { sql } from "kysely";
import { collectionExists, collectionNotFound } from "../errors.ts";
import { isCollection } from "./conditions.ts";

type CollectionRow = Omit<Collection, "created_at" | "updated_at"> & {
  readonly created_at: Date;
  readonly updated_at: Date;
};

const columns = sql`collection.id, name, collection.created_at, collection.updated_at, (
    SELECT count(*) FROM document_collection JOIN document ON document.id = document_id
    WHERE collection_id = collection.id AND trashed_at IS NULL
  ) AS document_count
  FROM collection`;

/** Named sets of documents, on behalf of somebody; a document may be in many. Others' are not found. */
export class Collections {
  readonly #queue: Queue;

  constructor(queue: Queue) {
    this.#queue = queue;
  }

  /** Newest first; `before` is the id of the last of the page before. */
  async list(
    access: Access,
    page: { readonly before: string | undefined; readonly limit: number },
  ): Promise<Collection[]> {
    const { before, limit } = page;
    const found = await sql<CollectionRow>`
      SELECT ${columns} WHERE workspace_id = ${access.workspaceId}
        AND (${before ?? null}::uuid IS NULL OR id < ${before ?? null}::uuid)
      ORDER BY id DESC LIMIT ${limit}`.execute(this.#queue.database.queryable);
    return found.rows.map(toCollection);
  }

  /** By its id or its name. Throws `collection_not_found`. */
  get(access: Access, reference: string): Promise<Collection> {
    return readCollection(this.#queue.database.queryable, access, reference);
  }

  /** Throws `collection_exists` when there is one whose name differs in nothing but case. */
  async create(access: Access, name: string): Promise<Collection> {
    const id = newId();
    await this.#write(access, name, async ({ transaction }) => {
      await sql`
        INSERT INTO collection (id, workspace_id, person_id, name, name_key)
        VALUES (${id}, ${access.workspaceId}, ${access.personId}, ${name}, ${foldName(name)})`.execute(
        transaction,
      );
    });
    return await this.get(access, id);
  }

  async rename(access: Access, reference: string, name: string): Promise<Collection> {
    const { id } = await this.get(access, reference);
    await this.#write(access, name, async ({ transaction }) => {
      await sql`
        UPDATE collection SET name = ${name}, name_key = ${foldName(name)}, updated_at = now()
        WHERE id = ${id}`.execute(transaction);
    });
    return await this.get(access, id);
  }

  /** Its documents stay. */
  async remove(access: Access, reference: string): Promise<void> {
    const { id } = await this.get(access, reference);
    await this.#queue.transaction(async (scope) => {
      await sql`DELETE FROM collection WHERE id = ${id}`.execute(scope.transaction);
      this.#announce(scope, access);
    });
  }

  async #write(access: Access, name: string, work: (scope: WriteScope) => Promise<void>): Promise<void> {
    try {
      await this.#queue.transaction(async (scope) => {
        await work(scope);
        this.#announce(scope, access);
      });
    } catch (error) {
      throw isUniqueViolation(error, "collection_name") ? collectionExists(name) : error;
    }
  }

  #announce(scope: WriteScope, access: Access): void {
    scope.afterCommit(() =>
      this.#queue.bus.publishNotice({
        topic: "workspace",
        owner: access.workspaceId,
        type: "collection.changed",
        data: {},
      }),
    );
  }
}

/** By its id or its name. Throws `collection_not_found`. */
export async function readCollection(
  queryable: Queryable,
  access: Access,
  reference: string,
): Promise<Collection> {
  const found = await sql<CollectionRow>`
    SELECT ${columns} WHERE ${isCollection(access.workspaceId, reference)}
    ORDER BY id::text = ${reference.toLowerCase()} DESC LIMIT 1`.execute(queryable);
  const row = found.rows[0];
  if (row === undefined) throw collectionNotFound(reference);
  return toCollection(row);
}

/** Puts a document into a collection; whether it was not in it. */
export async function addToCollection(
  queryable: Queryable,
  documentId: string,
  collectionId: string,
): Promise<boolean> {
  const added = await sql`
    INSERT INTO document_collection (collection_id, document_id)
    SELECT id, ${documentId}::uuid FROM collection WHERE id = ${collectionId} FOR KEY SHARE
    ON CONFLICT DO NOTHING RETURNING 1`.execute(queryable);
  return added.rows.length > 0;
}

/** Takes a document out of a collection; whether it was in it. */
export async function removeFromCollection(
  queryable: Queryable,
  documentId: string,
  collectionId: string,
): Promise<boolean> {
  const removed = await sql`
    DELETE FROM document_collection WHERE collection_id = ${collectionId} AND document_id = ${documentId}
    RETURNING 1`.execute(queryable);
  return removed.rows.length > 0;
}

/** Puts a document into these collections and takes it out of all others. Throws `collection_not_found`. */
export async function setCollections(
  queryable: Queryable,
  access: Access,
  documentId: string,
  references: readonly string[],
): Promise<void> {
  const ids: string[] = [];
  for (const reference of references) ids.push((await readCollection(queryable, access, reference)).id);
  await sql`
    DELETE FROM document_collection
    WHERE document_id = ${documentId} AND collection_id <> ALL(${ids}::uuid[])`.execute(queryable);
  for (const id of ids) await addToCollection(queryable, documentId, id);
}

function toCollection({ created_at: createdAt, updated_at: updatedAt, ...row }: CollectionRow): Collection {
  return { ...row, created_at: createdAt.toISOString(), updated_at: updatedAt.toISOString() };
}
