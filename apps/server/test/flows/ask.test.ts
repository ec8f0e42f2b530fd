import { fallbackSuite, quotedSuite, writtenSuite } from "./ask-suite.ts";

quotedSuite("embedded");
writtenSuite("embedded");
fallbackSuite("embedded");
