import { modelsSuite } from "./models-suite.ts";

modelsSuite("postgres");
