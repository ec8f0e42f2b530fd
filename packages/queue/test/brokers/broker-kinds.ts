/** The kinds of broker, for the conformance suite. */
import type { BrokerKind } from "./broker-scene.ts";
import { postgresRemote } from "./postgres-remote.ts";
import { RabbitMqScene, rabbitMqRemote } from "./rabbitmq-scene.ts";
import { openRedisPlace, redisRemote } from "./redis-scene.ts";
import { openMemoryScene, openRemoteScene } from "./scenes.ts";

export const memoryKind: BrokerKind = {
  kind: "memory",
  isCompeting: false,
  isRemote: false,
  open: openMemoryScene,
};

export const postgresKind: BrokerKind = {
  kind: "postgres",
  isCompeting: false,
  isRemote: true,
  open: (options) => openRemoteScene(postgresRemote, options),
};

export const redisKind: BrokerKind = {
  kind: "redis",
  isCompeting: true,
  isRemote: true,
  open: async (options) => await openRemoteScene(redisRemote(await openRedisPlace()), options),
};

export const rabbitMqKind: BrokerKind = {
  kind: "rabbitmq",
  isCompeting: true,
  isRemote: true,
  open: async (options) => await openRemoteScene(rabbitMqRemote(await RabbitMqScene.open()), options),
};
