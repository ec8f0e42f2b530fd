import type { CrewRunDetail } from "@millrace/contracts";
import { CopyButton } from "../feedback/copy.tsx";
import { JsonPanel } from "../jobs/json-panel.tsx";
import { Panel } from "../jobs/panel.tsx";
import { LongText } from "./long-text.tsx";

/** What a run came to. */
export function RunResult({ run: { result } }: { run: CrewRunDetail }) {
  if (result === null) return null;
  if (result.json !== null) {
    return <JsonPanel title="Result" value={result.json} none="It gave an empty value." />;
  }
  return (
    <Panel title="Result" aside={<CopyButton text={result.raw} label="Copy the result" />}>
      {result.raw === "" ? "It gave an empty text." : <LongText text={result.raw} label="the result" />}
    </Panel>
  );
}
