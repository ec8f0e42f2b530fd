import { testDatabases } from "@millrace/testing";
import type { TestDatabase, TestDatabaseKind } from "@millrace/testing";

/** A new database of one kind. Throws when this machine does not have that kind. */
export async function openKind(
  name: TestDatabaseKind["name"],
  options?: { readonly isMigrated?: boolean },
): Promise<TestDatabase> {
  const kind = testDatabases().find((each) => each.name === name);
  if (kind === undefined) throw new Error(`There is no ${name} database on this machine`);
  return await kind.open(options);
}
