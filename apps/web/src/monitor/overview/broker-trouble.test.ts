import type { BrokerState } from "@millrace/contracts";
import { expect, it } from "vitest";
import { brokerTrouble } from "./broker-trouble.ts";

const well: BrokerState = { kind: "redis", degraded: false, trouble: null };
const away: BrokerState = { kind: "redis", degraded: true, trouble: "Redis is away." };

it("is none while all brokers are well, and of workers that have not said", () => {
  expect(brokerTrouble(well, [{ broker: well }, { broker: null }])).toBeUndefined();
  expect(brokerTrouble(undefined, [])).toBeUndefined();
});

it("counts the workers, and tells whether this process is one of those", () => {
  expect(brokerTrouble(well, [{ broker: away }, { broker: well }, { broker: away }])).toEqual({
    kind: "redis",
    text: "Redis is away.",
    workers: 2,
    isHere: false,
  });
  expect(brokerTrouble(away, [])).toMatchObject({ workers: 0, isHere: true });
});
