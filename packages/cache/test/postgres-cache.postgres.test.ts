import { describe } from "vitest";
import { postgresCacheSuite } from "./postgres-cache-suite.ts";

describe("in PostgreSQL", () => {
  postgresCacheSuite("postgres");
});
