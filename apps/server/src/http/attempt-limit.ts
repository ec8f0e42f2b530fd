import type { Clock } from "@millrace/kernel";

/** Ten a minute: plenty for typing errors, hopeless against a token of 16 characters. */
const maxFailures = 10;
const windowMs = 60_000;

/** Addresses remembered at once; the oldest is forgotten first. */
const maxAddresses = 10_000;

/** Counts wrong tokens per address in a fixed window. */
export type AttemptLimit = {
  /** Seconds until the address may try again; undefined when it may try now. */
  readonly waitSeconds: (address: string) => number | undefined;
  readonly recordFailure: (address: string) => void;
};

export function createAttemptLimit(clock: Clock): AttemptLimit {
  const windows = new Map<string, { readonly endsAt: number; failures: number }>();
  return {
    waitSeconds: (address) => {
      const window = windows.get(network(address));
      if (window === undefined || window.failures < maxFailures) return undefined;
      const leftMs = window.endsAt - clock.monotonicMs();
      return leftMs > 0 ? Math.ceil(leftMs / 1000) : undefined;
    },
    recordFailure: (address) => {
      const key = network(address);
      const now = clock.monotonicMs();
      const window = windows.get(key);
      if (window !== undefined && window.endsAt > now) {
        window.failures += 1;
        return;
      }
      windows.delete(key);
      windows.set(key, { endsAt: now + windowMs, failures: 1 });
      const [oldest] = windows.keys();
      if (windows.size > maxAddresses && oldest !== undefined) windows.delete(oldest);
    },
  };
}

/** One subscriber has a whole /64 of IPv6; counting single addresses would not limit anybody. */
function network(address: string): string {
  if (!address.includes(":") || address.includes(".")) return address;
  const [head = "", tail] = address.split("::");
  const first = head.split(":").filter((group) => group !== "");
  const last = (tail ?? "").split(":").filter((group) => group !== "");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - first.length - last.length);
  return [...first, ...Array.from({ length: zeros }, () => "0"), ...last].slice(0, 4).join(":");
}
