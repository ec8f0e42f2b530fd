import { createRabbitMqBroker } from "../../src/brokers/rabbitmq-broker.ts";
import { describeBroker } from "./conformance-suite.ts";
import { openRabbitMqAdmin } from "./rabbitmq-scene.ts";
import { openRemoteScene } from "./scenes.ts";

/** Short, because tests wait for them. What is given for an answer must do for a busy machine. */
const times = { lookEveryMs: 200, answerMs: 1_000, minPauseMs: 20, maxPauseMs: 100 };

describeBroker({
  kind: "rabbitmq",
  isCompeting: true,
  isRemote: true,
  open: async () => {
    const admin = await openRabbitMqAdmin();
    return await openRemoteScene({
      url: () => admin.url,
      create: ({ url, logger }) => admin.follow(createRabbitMqBroker({ url, logger, times })),
      sendGarbage: (queue) => admin.send(queue, Buffer.from([0x00, 0xff, 0x7b])),
      close: () => admin.close(),
    });
  },
});
