import { useState } from "react";

/** A yes or no that this browser remembers. Without storage it lasts as long as the page. */
export function useStoredFlag(name: string, byDefault: boolean): [boolean, (value: boolean) => void] {
  const key = `millrace.${name}`;
  const [value, setValue] = useState(() => readFlag(key, byDefault));
  return [
    value,
    (next) => {
      setValue(next);
      try {
        localStorage.setItem(key, next ? "yes" : "no");
      } catch {
        // Storage is switched off: the choice holds for this page.
      }
    },
  ];
}

export function readFlag(key: string, byDefault: boolean): boolean {
  try {
    const stored = localStorage.getItem(key);
    return stored === null ? byDefault : stored === "yes";
  } catch {
    return byDefault;
  }
}
