/** A process that lived that long had started well: what ends it later is no failure to start. */
const soundMs = 60_000;
/** The first pause; it doubles with each death that comes soon after a start. */
const firstPauseMs = 1_000;
/** So that one which can't live takes two starts a minute. */
const maxPauseMs = 30_000;
/** Deaths in a row without having been ready, with nobody else at work, after which it makes no sense. */
const hopelessDeaths = 5;

/** How often a process has died soon after its start, one time after the other. */
export type Deaths = { readonly inARow: number; readonly unready: number };

export const noDeaths: Deaths = { inARow: 0, unready: 0 };

/** Counts one more. */
export function addDeath(deaths: Deaths, life: { readonly ms: number; readonly wasReady: boolean }): Deaths {
  return {
    inARow: life.ms >= soundMs ? 1 : deaths.inARow + 1,
    unready: life.wasReady ? 0 : deaths.unready + 1,
  };
}

/** Milliseconds until it is started again: at once after the first death, then later and later. */
export function pauseBeforeRestart({ inARow }: Deaths): number {
  return inARow <= 1 ? 0 : Math.min(maxPauseMs, firstPauseMs * 2 ** (inARow - 2));
}

/** Whether it never gets as far as being ready. */
export function isHopeless({ unready }: Deaths): boolean {
  return unready >= hopelessDeaths;
}
