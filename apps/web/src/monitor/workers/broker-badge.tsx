import type { BrokerState } from "@millrace/contracts";
import IconBroadcast from "@tabler/icons-react/dist/esm/icons/IconBroadcast.mjs";
import IconBroadcastOff from "@tabler/icons-react/dist/esm/icons/IconBroadcastOff.mjs";
import { Badge } from "../../feedback/badge.tsx";

const names: Readonly<Record<string, string>> = {
  memory: "In memory",
  postgres: "PostgreSQL",
  redis: "Redis",
  rabbitmq: "RabbitMQ",
};

export function brokerName(kind: string): string {
  return names[kind] ?? kind;
}

/** What tells a process of work, and whether that works. */
export function BrokerBadge({ broker }: { broker: BrokerState }) {
  const name = brokerName(broker.kind);
  return broker.degraded ? (
    <Badge tone="warn" icon={<IconBroadcastOff size={15} stroke={2} />}>
      {name}: degraded
    </Badge>
  ) : (
    <Badge tone="quiet" icon={<IconBroadcast size={15} stroke={2} />}>
      {name}
    </Badge>
  );
}
