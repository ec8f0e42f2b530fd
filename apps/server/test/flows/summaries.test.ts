import { extractiveSuite, fallbackSuite, writtenSuite } from "./summaries-suite.ts";

extractiveSuite("embedded");
writtenSuite("embedded");
fallbackSuite("embedded");
