import { inputSuite } from "./input-suite.ts";

inputSuite("postgres");
