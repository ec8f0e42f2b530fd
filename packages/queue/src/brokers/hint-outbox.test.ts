import { beforeEach, expect, it } from "vitest";
import type { Hint } from "./broker.ts";
import { HintOutbox } from "./hint-outbox.ts";
import { bareHint } from "./hint.ts";

let sent: Hint[];
let answers: PromiseWithResolvers<void>[];
let outbox: HintOutbox;

beforeEach(() => {
  sent = [];
  answers = [];
  outbox = new HintOutbox((hint) => {
    sent.push(hint);
    const answer = Promise.withResolvers<void>();
    answers.push(answer);
    return answer.promise;
  });
});

const counts = () => sent.map(({ queue, count }) => `${queue} ${count}`);
const settled = () => new Promise(setImmediate);

it("sends the first of each queue at once, and what comes meanwhile as one", async () => {
  for (let nth = 0; nth < 5; nth++) outbox.add(bareHint("chat"));
  outbox.add(bareHint("mail"));
  expect(counts()).toEqual(["chat 1", "mail 1"]);

  answers[0]?.resolve();
  await settled();

  expect(counts()).toEqual(["chat 1", "mail 1", "chat 4"]);
});

it("keeps what could not be sent for the next time", async () => {
  outbox.add(bareHint("chat"));
  outbox.add(bareHint("chat"));
  answers[0]?.reject(new Error("away"));
  await settled();
  expect(counts()).toEqual(["chat 1"]);

  outbox.retry();

  expect(counts()).toEqual(["chat 1", "chat 2"]);
});

it("sends what it holds before it has stopped, and nothing that comes after", async () => {
  outbox.add(bareHint("chat"));
  outbox.add(bareHint("chat"));
  const stopped = outbox.stop();
  outbox.add(bareHint("chat"));

  answers[0]?.resolve();
  await settled();
  answers[1]?.resolve();
  await stopped;

  expect(counts()).toEqual(["chat 1", "chat 1"]);
});
