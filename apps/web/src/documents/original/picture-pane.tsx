import { useState } from "react";
import classes from "./original.module.css";

/** A picture as it came. Formats that browsers don't draw, such as TIFF, are said to be so. */
export function PicturePane({ address, name }: { address: string; name: string }) {
  const [hasFailed, setHasFailed] = useState(false);
  if (hasFailed)
    return <p className={classes.quiet}>This picture can’t be shown here. Save the file to open it.</p>;
  return (
    <div
      className={classes.frame}
      role="region"
      aria-label="The picture"
      // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls is reached by the keyboard
      tabIndex={0}
    >
      <img className={classes.picture} src={address} alt={name} onError={() => setHasFailed(true)} />
    </div>
  );
}
