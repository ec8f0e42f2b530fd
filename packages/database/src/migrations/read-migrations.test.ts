import { describe, expect, it } from "vitest";
import { readMigrations } from "./read-migrations.ts";

describe("the migrations", () => {
  it("are numbered from one without gaps", async () => {
    const versions = (await readMigrations()).map(({ version }) => version);

    expect(versions).toEqual(versions.map((_, index) => index + 1));
    expect(versions.length).toBeGreaterThan(0);
  });

  it("stay those with which the process began, whatever an upgrade puts there", async () => {
    const known = await readMigrations();

    expect(await readMigrations()).toBe(known);
  });

  it("each begin by saying what they do and what they lock", async () => {
    const silent = (await readMigrations()).filter(({ sql }) => {
      const opening = /^(?:-- .*\n)+/.exec(sql)?.[0] ?? "";
      return !/^-- Locks: \S/m.test(opening) || opening.split("\n").length < 3;
    });

    expect(silent.map(({ name }) => name)).toEqual([]);
  });

  it("never manage transactions themselves", async () => {
    const managing = (await readMigrations()).filter(({ sql }) =>
      /^\s*(begin|commit|rollback)\s*;/im.test(sql),
    );

    expect(managing.map(({ name }) => name)).toEqual([]);
  });
});
