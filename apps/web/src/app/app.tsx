import { localStorageColorSchemeManager, MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { showGatheredProblem } from "../feedback/toasts.ts";
import { LiveContext } from "../live/live-context.ts";
import { tellUploadProblems } from "../uploads/upload-notices.ts";
import { UploadsContext } from "../uploads/uploads-context.ts";
import { createAppRouter } from "./router.tsx";
import type { Services } from "./services.ts";
import { SessionGate } from "./session-gate.tsx";
import { cssVariablesResolver, theme } from "./theme.ts";

const colorSchemeManager = localStorageColorSchemeManager({ key: "millrace.color-scheme" });

export function App({ services, nonce }: { services: Services; nonce: string }) {
  const [router] = useState(createAppRouter);
  const { uploads } = services;
  useEffect(() => {
    // Of the history: it knows where one goes as soon as that is asked for. Home lists what went wrong.
    const isListShown = () => router.history.location.pathname === "/";
    return tellUploadProblems({ uploads, isListShown, show: showGatheredProblem });
  }, [router, uploads]);
  return (
    <MantineProvider
      theme={theme}
      cssVariablesResolver={cssVariablesResolver}
      colorSchemeManager={colorSchemeManager}
      defaultColorScheme="auto"
      getStyleNonce={() => nonce}
    >
      <QueryClientProvider client={services.queries}>
        <LiveContext value={services}>
          <UploadsContext value={services.uploads}>
            <SessionGate services={services}>
              <RouterProvider router={router} />
            </SessionGate>
            <Notifications position="bottom-right" limit={4} />
          </UploadsContext>
        </LiveContext>
      </QueryClientProvider>
    </MantineProvider>
  );
}
