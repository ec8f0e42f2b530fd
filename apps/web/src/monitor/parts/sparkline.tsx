import classes from "./sparkline.module.css";

const width = 120;
const height = 28;

/**
 * A small line of the values over time, oldest first. Only for the eye: the figure beside it says how
 * it stands now. It starts at zero, and values that do not change lie on the ground.
 */
export function Sparkline({
  values,
  tone = "accent",
}: {
  values: readonly number[];
  tone?: "accent" | "bad";
}) {
  const points = linePoints(values, { width, height });
  return (
    <svg
      className={classes.root}
      data-tone={tone}
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      {points === undefined ? null : (
        <>
          <polygon className={classes.area} points={`0,${height} ${points} ${width},${height}`} />
          <polyline className={classes.line} points={points} />
        </>
      )}
    </svg>
  );
}

/** The points of an SVG line through the values; undefined when there are fewer than two. */
export function linePoints(
  values: readonly number[],
  size: { readonly width: number; readonly height: number },
): string | undefined {
  if (values.length < 2) return undefined;
  const top = Math.max(...values, 1);
  const step = size.width / (values.length - 1);
  // Half a stroke of room, or the line is cut at the edges.
  const room = size.height - 2;
  return values
    .map(
      (value, index) => `${(index * step).toFixed(1)},${(size.height - 1 - (value / top) * room).toFixed(1)}`,
    )
    .join(" ");
}
