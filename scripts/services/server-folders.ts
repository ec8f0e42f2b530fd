/** Where each server that `npm run services` starts has its files, as seen inside the private root. */
export const folders = {
  postgres: "/srv/postgres",
  pgbouncer: "/srv/pgbouncer",
  redis: "/srv/redis-tests",
  rabbitmq: "/srv/rabbitmq",
  peerPostgres: "/srv/postgres-peers",
  peerRedis: "/srv/redis",
} as const;

export const peerFolders: readonly string[] = [folders.peerPostgres, folders.peerRedis];
