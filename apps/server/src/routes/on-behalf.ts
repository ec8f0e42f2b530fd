import { localAccess } from "@millrace/kernel";
import type { Access } from "@millrace/kernel";
import type { Owners } from "@millrace/queue";

/**
 * Whose jobs a person sees and changes: those of the own workspace and, as long as there are no accounts, those
 * of nobody, which are the product's own or come from programs that name no owner.
 */
export function visibleOwners(access: Access): Owners {
  return [access.workspaceId, null];
}

/** Whether somebody may see what belongs to this owner. */
export function maySee(access: Access, owner: string | null): boolean {
  return visibleOwners(access).includes(owner);
}

/** Who did something, for the record that people read. */
export function personOf({ personId }: Access): string {
  return personId === localAccess.personId ? "local" : personId;
}
