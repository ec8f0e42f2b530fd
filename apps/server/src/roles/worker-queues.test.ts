import { expect, it } from "vitest";
import { parseWorkerQueues } from "./worker-queues.ts";

it("reads queues, each once, and what is kept for them", () => {
  expect(parseWorkerQueues("chat:2,batch,default:0,batch")).toEqual({
    queues: ["chat", "batch", "default"],
    reserves: { chat: 2, default: 0 },
  });
});
