import { newId } from "@millrace/kernel";

const uuid = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}";

/** Without the hash are those of files that were stored before equal bytes were one file. */
const pattern = new RegExp(`^[0-9a-f]{2}/(?:[0-9a-f]{64}\\.)?${uuid}$`);

/** Whether this names a stored file: anything else never becomes a path. */
export function isFileKey(key: string): boolean {
  return pattern.test(key);
}

/**
 * A key for new bytes: their hash, by which equal ones are found, and an id, so that no key is ever given twice. Who
 * removes a file late, because its process stood still, then never meets bytes that came again meanwhile.
 */
export function newFileKey(sha256: string): string {
  return `${sha256.slice(0, 2)}/${sha256}.${newId()}`;
}

/** Between which keys those of these bytes are. All have one form, so every collation sorts them alike. */
export function keysOfContent(sha256: string): { readonly first: string; readonly last: string } {
  const start = `${sha256.slice(0, 2)}/${sha256}`;
  return {
    first: `${start}.00000000-0000-0000-0000-000000000000`,
    last: `${start}.ffffffff-ffff-ffff-ffff-ffffffffffff`,
  };
}
