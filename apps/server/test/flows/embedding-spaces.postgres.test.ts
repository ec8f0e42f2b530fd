import { embeddingSpacesSuite } from "./embedding-spaces-suite.ts";

embeddingSpacesSuite("postgres");
