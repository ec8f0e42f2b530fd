import { modelFaultsSuite } from "./model-faults-suite.ts";

modelFaultsSuite("postgres");
