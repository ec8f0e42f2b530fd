import { modelAwaySuite } from "./model-away-suite.ts";

modelAwaySuite("postgres");
