import { extractiveSuite, fallbackSuite, writtenSuite } from "./summaries-suite.ts";

extractiveSuite("postgres");
writtenSuite("postgres");
fallbackSuite("postgres");
