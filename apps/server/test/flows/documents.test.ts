import { documentsSuite } from "./documents-suite.ts";

documentsSuite("embedded");
