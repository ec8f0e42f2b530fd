import { usageSuite } from "./usage-suite.ts";

usageSuite("postgres");
