import { testDatabases } from "@millrace/testing";
import { runsSuite } from "./runs-suite.ts";

for (const kind of testDatabases().filter(({ name }) => name === "embedded")) runsSuite(kind);
