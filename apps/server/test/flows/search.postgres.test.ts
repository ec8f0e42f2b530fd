import { modelSearchSuite, searchSuite } from "./search-suite.ts";

searchSuite("postgres");
modelSearchSuite("postgres");
