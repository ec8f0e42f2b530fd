import { readFlag } from "../feedback/stored-flag.ts";

/** The setting that turns single-key shortcuts off, for people who speak or whose keys stray. */
export const shortcutsSetting = "shortcuts";

/** Whether a key press is meant as a shortcut: not while typing, not with a modifier, not when off. */
export function isShortcutWanted(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return false;
  if (isTyping(event.target)) return false;
  if (document.querySelector('[role="dialog"]') !== null) return false;
  return readFlag(`millrace.${shortcutsSetting}`, true);
}

/** Whether what is typed or pasted there belongs to a field. */
export function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || target.matches("input, textarea, select"))
  );
}
