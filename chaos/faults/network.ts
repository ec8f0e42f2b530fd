import type { Direction, FaultProxy } from "@millrace/testing";
import type { Ground, NetworkName, Seat } from "../ground/ground.ts";
import type { Random } from "../load/random.ts";
import type { Fault } from "./fault.ts";
import { nothingToHeal } from "./fault.ts";

const directions: readonly Direction[] = ["to_server", "to_client"];

/** What happens between the product's processes and their servers. */
export const networkFaults: readonly Fault[] = [
  ...directions.flatMap((direction) => [
    lasting(`black-hole-${named(direction)}`, `nothing passes ${words(direction)}`, 7000, (proxy) =>
      proxy.set({ kind: "black_hole" }, { direction }),
    ),
    momentary(`half-close-${named(direction)}`, `connections end ${words(direction)} alone`, (proxy) =>
      proxy.halfClose(direction),
    ),
    lasting(
      `cut-after-bytes-${named(direction)}`,
      `connections close after some bytes ${words(direction)}`,
      3000,
      (proxy, random) => proxy.set({ kind: "cut_after", bytes: random.between(1, 4000) }, { direction }),
    ),
  ]),
  momentary("connections-reset", "all connections reset (RST)", (proxy) => proxy.reset()),
  lasting("connections-refused", "connections reset, new ones refused", 5000, (proxy) => proxy.refuse()),
  lasting("network-slow", "20 KB a second and 200 ms each way", 5000, (proxy) => {
    proxy.set({ kind: "throttle", bytesPerSecond: 20_000 }, { direction: "to_client" });
    proxy.set({ kind: "delay", delayMs: 200 }, { direction: "to_server" });
  }),
];

function named(direction: Direction): string {
  return direction.replace("_", "-");
}

function words(direction: Direction): string {
  return direction === "to_server" ? "from the product to the servers" : "from the servers to the product";
}

type Break = (proxy: FaultProxy, random: Random) => void;

function lasting(name: string, what: string, holdMs: number, harm: Break): Fault {
  return {
    name,
    what,
    holdMs,
    inject: async (ground, random) => {
      const proxies = pickProxies(ground, random);
      for (const proxy of proxies) harm(proxy, random);
      return () => {
        for (const proxy of proxies) proxy.restore();
        return Promise.resolve();
      };
    },
  };
}

function momentary(name: string, what: string, harm: Break): Fault {
  return {
    name,
    what,
    holdMs: 0,
    inject: async (ground, random) => {
      for (const proxy of pickProxies(ground, random)) harm(proxy, random);
      return Promise.resolve(nothingToHeal);
    },
  };
}

/** All networks of one process, or one network of all processes. */
function pickProxies({ seats }: Ground, random: Random): FaultProxy[] {
  const ofSeat = ({ networks }: Seat): FaultProxy[] => Object.values(networks);
  if (random.next() < 0.5) return ofSeat(random.pick(seats));
  const name = random.pick<NetworkName>(["database", "listen", "broker", "redis"]);
  return seats.map(({ networks }) => networks[name]);
}
