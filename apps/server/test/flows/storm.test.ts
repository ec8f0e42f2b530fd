import { stormSuite } from "./storm-suite.ts";

stormSuite("embedded");
