/**
 * A password as jobs carry it: in base64, because what a task redacts is also cut out of log lines and errors,
 * and a password may be a word of ours. This hides it from nobody who reads the database.
 */
export function packPassword(password: string): string {
  return Buffer.from(password).toString("base64");
}

export function unpackPassword(packed: string | undefined): string | undefined {
  return packed === undefined ? undefined : Buffer.from(packed, "base64").toString();
}
