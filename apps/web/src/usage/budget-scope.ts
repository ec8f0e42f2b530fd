import { installationScope } from "./budget-form.ts";

/** What a budget is for, as a page calls it. */
export function scopeLabel(scope: string): string {
  return scope === installationScope ? "All calls together" : `Owner ${scope}`;
}
