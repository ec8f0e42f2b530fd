// Icons are imported one file each: the barrel makes the build read 8,000 modules.
declare module "@tabler/icons-react/dist/esm/icons/*.mjs" {
  import type { FunctionComponent, SVGProps } from "react";

  const Icon: FunctionComponent<
    Omit<SVGProps<SVGSVGElement>, "ref" | "stroke"> & { size?: number | string; stroke?: number | string }
  >;
  export default Icon;
}
