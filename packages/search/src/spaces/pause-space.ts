import type { QueryAccess } from "@millrace/database";
import { MillraceError } from "@millrace/kernel";
import { sql } from "kysely";
import { lockSpaces } from "./announce-space.ts";
import { findSpaceById } from "./embedding-space.ts";
import type { EmbeddingSpace } from "./embedding-space.ts";

/**
 * Stops filling a space after the batch in flight, or lets it go on. Idempotent. Throws `space_not_found`, and
 * `space_not_building` for one that is not being filled.
 */
export async function pauseSpace(
  database: QueryAccess,
  id: string,
  isPaused: boolean,
): Promise<EmbeddingSpace> {
  return await database.transaction(async (transaction) => {
    await lockSpaces(transaction);
    const space = await findSpaceById(transaction, id);
    if (space === undefined) throw spaceNotFound(id);
    if (space.status !== "building") throw spaceNotBuilding(space);
    await sql`
      UPDATE embedding_space SET paused_at = CASE WHEN ${isPaused} THEN coalesce(paused_at, clock_timestamp()) END
      WHERE id = ${id}`.execute(transaction);
    return (await findSpaceById(transaction, id)) ?? space;
  });
}

function spaceNotFound(id: string): MillraceError {
  return new MillraceError({
    code: "space_not_found",
    kind: "not_found",
    message: `There is no embedding space ${id}. GET /api/search/spaces lists them.`,
  });
}

function spaceNotBuilding({ id, status }: EmbeddingSpace): MillraceError {
  return new MillraceError({
    code: "space_not_building",
    kind: "conflict",
    message: `The embedding space ${id} is ${status}. Only one that is being filled can be paused and resumed.`,
    details: { status },
  });
}
