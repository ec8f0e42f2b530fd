import { crewsSuite } from "./crews-suite.ts";

crewsSuite("postgres");
