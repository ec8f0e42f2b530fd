import { describe } from "vitest";
import { postgresCacheSuite } from "./postgres-cache-suite.ts";

describe("in the embedded database", () => {
  postgresCacheSuite("embedded");
});
