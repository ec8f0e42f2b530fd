import classes from "./sparkline.module.css";

export type Point = { readonly atMs: number; readonly value: number };

const width = 120;
const height = 28;

/**
 * A small line of a value over time, oldest first. Only for the eye: the figure beside it says how it
 * stands now. It starts at zero, so that a value that hardly changes looks so.
 */
export function Sparkline({
  points,
  tone = "accent",
}: {
  points: readonly Point[];
  tone?: "accent" | "bad";
}) {
  const line = linePoints(points, { width, height });
  return (
    <svg
      className={classes.root}
      data-tone={tone}
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      {line === undefined ? null : (
        <>
          <polygon className={classes.area} points={`0,${height} ${line} ${width},${height}`} />
          <polyline className={classes.line} points={line} />
        </>
      )}
    </svg>
  );
}

/** The points of an SVG line; undefined when there are fewer than two. */
export function linePoints(
  points: readonly Point[],
  size: { readonly width: number; readonly height: number },
): string | undefined {
  const [first] = points;
  const last = points.at(-1);
  if (first === undefined || last === undefined || last.atMs <= first.atMs) return undefined;
  const top = Math.max(...points.map(({ value }) => value), 1);
  const perMs = size.width / (last.atMs - first.atMs);
  // Half a stroke of room, or the line is cut at the edges.
  const room = size.height - 2;
  return points
    .map(({ atMs, value }) => {
      const x = (atMs - first.atMs) * perMs;
      const y = size.height - 1 - (value / top) * room;
      return `${x.toFixed(1)},${y.toFixed(1)}`;
    })
    .join(" ");
}
