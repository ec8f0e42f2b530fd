import type { Direction, FaultProxy } from "@millrace/testing";
import type { Ground, NetworkName, Seat } from "../ground/ground.ts";
import type { Sign } from "../health/health-watch.ts";
import type { Random } from "../load/random.ts";
import type { Fault } from "./fault.ts";
import { momentary } from "./fault.ts";

const directions: readonly Direction[] = ["to_server", "to_client"];

/** What happens between the product's processes and their servers. */
export const networkFaults: readonly Fault[] = [
  ...directions.flatMap((direction) => [
    lasting(
      { name: `black-hole-${named(direction)}`, what: `nothing passes ${words(direction)}`, holdMs: 7000 },
      (proxy) => proxy.set({ kind: "black_hole" }, { direction }),
      signsOfLoss,
    ),
    once(`half-close-${named(direction)}`, `connections end ${words(direction)} alone`, (proxy) =>
      proxy.halfClose(direction),
    ),
    lasting(
      {
        name: `cut-after-bytes-${named(direction)}`,
        what: `connections close after some bytes ${words(direction)}`,
        holdMs: 3000,
      },
      (proxy, random) => proxy.set({ kind: "cut_after", bytes: random.between(1, 4000) }, { direction }),
    ),
  ]),
  once("connections-reset", "all connections reset (RST)", (proxy) => proxy.reset()),
  lasting(
    { name: "connections-refused", what: "connections reset, new ones refused", holdMs: 5000 },
    (proxy) => proxy.refuse(),
    signsOfLoss,
  ),
  lasting({ name: "network-slow", what: "20 KB a second and 200 ms each way", holdMs: 5000 }, (proxy) => {
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
type Network = { readonly seat: Seat; readonly name: NetworkName };

const proxyOf = ({ seat, name }: Network): FaultProxy => seat.networks[name];

function lasting(
  fault: Pick<Fault, "name" | "what" | "holdMs">,
  harm: Break,
  signsOf: (networks: readonly Network[]) => Sign[] = () => [],
): Fault {
  return {
    ...fault,
    inject: (ground, random) => {
      const networks = pickNetworks(ground, random);
      for (const network of networks) harm(proxyOf(network), random);
      const heal = (): Promise<void> => {
        for (const network of networks) proxyOf(network).restore();
        return Promise.resolve();
      };
      return Promise.resolve({ heal, signs: signsOf(networks) });
    },
  };
}

function once(name: string, what: string, harm: Break): Fault {
  return {
    name,
    what,
    holdMs: 0,
    inject: (ground, random) => {
      for (const network of pickNetworks(ground, random)) harm(proxyOf(network), random);
      return Promise.resolve(momentary);
    },
  };
}

/** All networks of one process, or one network of all processes. */
function pickNetworks({ seats }: Ground, random: Random): Network[] {
  const names: readonly NetworkName[] = ["database", "listen", "broker", "redis"];
  if (random.next() < 0.5) {
    const seat = random.pick(seats);
    return names.map((name) => ({ seat, name }));
  }
  const name = random.pick(names);
  return seats.map((seat) => ({ seat, name }));
}

/** Of connections that are gone. Who lacks the database can't say what else it lacks. */
function signsOfLoss(networks: readonly Network[]): Sign[] {
  const withoutDatabase = networks.filter(({ name }) => name === "database").map(({ seat }) => seat);
  const isWithout = (seat: Seat): boolean => withoutDatabase.includes(seat);
  return [
    ...withoutDatabase.map(({ member }): Sign => ({ member, shows: "not ready" })),
    ...networks.flatMap(({ seat, name }): Sign[] => {
      if (isWithout(seat)) return [];
      if (name === "redis") return [{ member: seat.member, shows: "redis" }];
      return name === hintsComeBy(seat) ? [{ member: seat.member, shows: "hints" }] : [];
    }),
  ];
}

/** PostgreSQL's hints are heard over a connection past pgBouncer, and told over any. */
function hintsComeBy({ broker, member }: Seat): NetworkName | undefined {
  if (broker !== "postgres") return "broker";
  return member.role === "worker" ? "listen" : undefined;
}
