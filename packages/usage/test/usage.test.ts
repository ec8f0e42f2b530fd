import { afterAll, beforeAll, describe } from "vitest";
import { budgetSuite } from "./budget-suite.ts";
import { ledgerSuite } from "./ledger-suite.ts";
import { limitSuite } from "./limit-suite.ts";
import { openGround } from "./scene.ts";
import type { Ground } from "./scene.ts";

let ground: Ground;
beforeAll(async () => {
  ground = await openGround("embedded");
});
afterAll(() => ground.close());

describe("calls and charges", () => {
  ledgerSuite(() => ground);
});

describe("budgets", () => {
  budgetSuite(() => ground);
});

describe("limits", () => {
  limitSuite(() => ground);
});
