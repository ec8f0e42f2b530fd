import { createRabbitMqBroker } from "../../src/brokers/rabbitmq/rabbitmq-broker.ts";
import { describeBroker } from "./conformance-suite.ts";
import { RabbitMqScene, shortTimes } from "./rabbitmq-scene.ts";
import { openRemoteScene } from "./scenes.ts";

describeBroker({
  kind: "rabbitmq",
  isCompeting: true,
  isRemote: true,
  open: async () => {
    const server = await RabbitMqScene.open();
    return await openRemoteScene({
      url: () => server.url,
      create: ({ url, logger }) => server.follow(createRabbitMqBroker({ url, logger, times: shortTimes })),
      sendGarbage: (queue) => server.send(queue, Buffer.from([0x00, 0xff, 0x7b])),
      close: () => server.close(),
    });
  },
});
