import { describe } from "vitest";
import { databaseSuite } from "./database-suite.ts";

describe("PostgreSQL", () => {
  databaseSuite("postgres");
});
