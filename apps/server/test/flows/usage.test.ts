import { usageSuite } from "./usage-suite.ts";

usageSuite("embedded");
