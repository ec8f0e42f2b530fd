import IconBroadcastOff from "@tabler/icons-react/dist/esm/icons/IconBroadcastOff.mjs";
import { Notice } from "../../feedback/notice.tsx";
import { countOf } from "../../formatting/numbers.ts";
import { brokerName } from "../workers/broker-badge.tsx";
import type { BrokerTrouble } from "./broker-trouble.ts";

/** Which processes are not told of work, or tell of none, and what one of them says of it. */
export function BrokerNotice({ trouble }: { trouble: BrokerTrouble }) {
  const { kind, text, workers, isHere } = trouble;
  const places = [
    ...(isHere ? ["this API process"] : []),
    ...(workers === 0 ? [] : [countOf(workers, "worker")]),
  ];
  return (
    <Notice
      tone="warn"
      icon={<IconBroadcastOff size={18} />}
      title={`The broker (${brokerName(kind)}) is degraded at ${places.join(" and ")}`}
    >
      {text}
    </Notice>
  );
}
