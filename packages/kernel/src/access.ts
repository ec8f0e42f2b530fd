/** On whose behalf something is done. Every owned row carries both ids. */
export type Access = {
  readonly workspaceId: string;
  readonly personId: string;
};

/** The one workspace and person there are before accounts exist, both called `local`. */
export const localAccess: Access = {
  workspaceId: "00000000-0000-7000-8000-000000000001",
  personId: "00000000-0000-7000-8000-000000000002",
};
