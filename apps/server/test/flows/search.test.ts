import { modelSearchSuite, searchSuite } from "./search-suite.ts";

searchSuite("embedded");
modelSearchSuite("embedded");
