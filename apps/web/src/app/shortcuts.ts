import { readFlag } from "../feedback/stored-flag.ts";

/** The setting that turns single-key shortcuts off, for people who speak or whose keys stray. */
export const shortcutsSetting = "shortcuts";

/** Whether a key press is meant as a shortcut: not while typing, not with a modifier, not when off. */
export function isShortcutWanted(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return false;
  const target = event.target;
  if (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.matches("input, textarea, select"))
  ) {
    return false;
  }
  if (document.querySelector('[role="dialog"]') !== null) return false;
  return readFlag(`millrace.${shortcutsSetting}`, true);
}
