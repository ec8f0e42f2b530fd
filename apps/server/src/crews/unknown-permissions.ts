import type { Tool } from "@millrace/crews";
import { suggestion } from "@millrace/kernel";

/**
 * What to say of names in CREW_PERMISSIONS that no tool needs. Not refused: a tool that is only there in some
 * processes, or was taken out again, is no reason not to start.
 */
export function unknownPermissions(
  given: readonly string[],
  tools: Iterable<Pick<Tool, "permissions">>,
): string[] {
  const known = new Set([...tools].flatMap((tool) => tool.permissions));
  return given
    .filter((permission) => !known.has(permission))
    .map(
      (permission) =>
        `CREW_PERMISSIONS names ${JSON.stringify(permission)}, which no tool needs, so it allows nothing.${suggestion(permission, known)} Tools need: ${[...known].toSorted().join(", ")}.`,
    );
}
