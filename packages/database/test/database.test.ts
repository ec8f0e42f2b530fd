import { describe } from "vitest";
import { databaseSuite } from "./database-suite.ts";

describe("the embedded database", () => {
  databaseSuite("embedded");
});
