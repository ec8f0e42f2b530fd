const alarmViews = ["open", "all"] as const;
export type AlarmView = (typeof alarmViews)[number];

export function readAlarmView(value: unknown): AlarmView | undefined {
  return alarmViews.find((view) => view === value);
}
