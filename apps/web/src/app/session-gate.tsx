import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import type { ReactNode } from "react";
import { queryKeys } from "../api/query-keys.ts";
import { fetchSession } from "../api/requests.ts";
import { startLive } from "./services.ts";
import type { Services } from "./services.ts";
import { SignInPage } from "./sign-in-page.tsx";

/** Shows the app to whom it may be shown, and keeps the socket only as long. */
export function SessionGate({ services, children }: { services: Services; children: ReactNode }) {
  const session = useQuery({
    queryKey: queryKeys.session,
    queryFn: ({ signal }) => fetchSession(signal),
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });

  const mustSignIn = session.data?.required === true && !session.data.signed_in;
  // A server that can't be asked is no reason to show nothing: each page says what is wrong.
  // Nor is asking once more after that, which has neither data nor error meanwhile.
  const isOpen = session.isFetched && !mustSignIn;
  useEffect(() => (isOpen ? startLive(services) : undefined), [isOpen, services]);

  if (!session.isFetched) return null;
  return mustSignIn ? <SignInPage /> : children;
}
