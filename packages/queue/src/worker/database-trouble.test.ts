import { databaseUnavailable } from "@millrace/database";
import { MillraceError } from "@millrace/kernel";
import { describe, expect, it } from "vitest";
import { mayPassLater } from "./database-trouble.ts";

describe("mayPassLater", () => {
  it("knows the database's own refusals, also as plain errors from another process", () => {
    for (const code of [
      "database_unavailable",
      "database_wait_expired",
      "database_closed",
      "database_connection_given_back",
    ]) {
      expect(mayPassLater(new MillraceError({ code, kind: "unavailable", message: "Later." }))).toBe(true);
      expect(mayPassLater(Object.assign(new Error("later"), { code }))).toBe(true);
    }
    expect(mayPassLater(databaseUnavailable({ code: "57P01" }))).toBe(true);
  });

  it("knows conflicts and lost connections", () => {
    expect(mayPassLater({ code: "40P01" })).toBe(true);
    expect(mayPassLater({ code: "ECONNREFUSED" })).toBe(true);
  });

  it("takes nothing else for the database's trouble", () => {
    for (const thrown of [undefined, "database_closed", new Error("no"), { code: 7 }, { code: "22021" }]) {
      expect(mayPassLater(thrown)).toBe(false);
    }
  });
});
