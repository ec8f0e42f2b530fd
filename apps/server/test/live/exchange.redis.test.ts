import { exchangeSuite } from "./exchange-suite.ts";

exchangeSuite("redis");
