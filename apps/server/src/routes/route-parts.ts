import type { Logger } from "@millrace/kernel";
import type { LiveHub } from "@millrace/live";
import type { AccessControl } from "../http/index.ts";
import type { Installation } from "../roles/open-installation.ts";
import type { Settings } from "../settings.ts";

/** What routes are made of. */
export type RouteParts = {
  readonly installation: Installation;
  readonly access: AccessControl;
  readonly hub: LiveHub;
  readonly settings: Settings;
  readonly logger: Logger;
  readonly version: string;
  /** Aborts when the server stops: whoever waits is answered with what there is. */
  readonly stopping: AbortSignal;
};
