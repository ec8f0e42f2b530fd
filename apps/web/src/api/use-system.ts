import type { System } from "@millrace/contracts";
import { useQuery } from "@tanstack/react-query";
import { queryKeys } from "./query-keys.ts";
import { fetchSystem } from "./requests.ts";

/** What this installation is and can do; undefined until the server has said it. */
export function useSystem(): System | undefined {
  return useQuery({
    queryKey: queryKeys.system,
    queryFn: ({ signal }) => fetchSystem(signal),
    staleTime: 300_000,
  }).data;
}

/** Whether deleted documents can be restored; assumed until the server has said it. */
export function useHasTrash(): boolean {
  return useSystem()?.trash_days !== 0;
}
