import { controlSuite } from "./control-suite.ts";

controlSuite("postgres");
