import { createTheme } from "@mantine/core";
import type { CSSVariablesResolver, MantineColorsTuple } from "@mantine/core";

/** Deep water: the one accent. Shade 8 carries white text in both schemes. */
const water: MantineColorsTuple = [
  "#eaf6f9",
  "#d3ebf1",
  "#a9d9e5",
  "#7cc6d8",
  "#55b3c9",
  "#379fb7",
  "#24869e",
  "#187288",
  "#0f6276",
  "#074f61",
];

const night: MantineColorsTuple = [
  "#dfe6eb",
  "#b4c0c9",
  "#8d9ba6",
  "#60707c",
  "#35424d",
  "#28333c",
  "#1e272f",
  "#161d23",
  "#10161b",
  "#0b1014",
];

export const theme = createTheme({
  primaryColor: "water",
  primaryShade: 8,
  autoContrast: true,
  colors: { water, dark: night },
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", "Cascadia Mono", "Liberation Mono", monospace',
  defaultRadius: "md",
  cursorType: "pointer",
  respectReducedMotion: true,
  components: {
    ProgressSection: { defaultProps: { color: "var(--accent-fill)" } },
    Tabs: { defaultProps: { color: "var(--accent-fill)" } },
    // Without the placeholder the first item has the focus: a menu may hold nothing but items.
    Menu: { defaultProps: { shadow: "md", position: "bottom-end", withInitialFocusPlaceholder: false } },
    Notification: { defaultProps: { closeButtonProps: { "aria-label": "Dismiss" } } },
    Modal: { defaultProps: { centered: true, radius: "lg", overlayProps: { backgroundOpacity: 0.45 } } },
  },
});

const accents = ["water", "red", "green", "yellow", "orange", "gray"] as const;

/**
 * The kit's own light and dimmed colours miss the contrast that WCAG AA asks for. Set through the
 * resolver because plain CSS on `:root` loses against the kit's selectors.
 */
export const cssVariablesResolver: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    "--mantine-color-dimmed": "#5a6771",
    "--mantine-color-placeholder": "#66727c",
    "--mantine-color-error": "#b42318",
    "--page-background": "#f5f7f8",
    "--surface": "#ffffff",
    "--surface-sunken": "#f0f3f5",
    "--line": "#dfe5e9",
    "--line-strong": "#c3ccd3",
    "--text-strong": "#10191f",
    "--accent-text": "#0b5c70",
    "--accent-fill": "#187288",
    "--accent-soft": "#e3f1f5",
    "--good": "#1b6e3c",
    "--good-soft": "#e3f4e9",
    "--warn": "#7d4e00",
    "--warn-soft": "#fdf1da",
    "--bad": "#b42318",
    "--bad-soft": "#fdeae8",
    "--quiet": "#55626c",
    "--mark": "#ffe9a3",
    "--mark-soft": "#fff6d8",
    ...Object.fromEntries(
      accents.map((name) => [
        `--mantine-color-${name}-light-color`,
        `color-mix(in srgb, var(--mantine-color-${name}-9) 80%, black)`,
      ]),
    ),
  },
  dark: {
    "--mantine-color-dimmed": "#a0adb7",
    "--mantine-color-placeholder": "#8f9ca6",
    "--mantine-color-error": "#ff9a90",
    "--mantine-color-anchor": "#7cc6d8",
    "--page-background": "#10161b",
    "--surface": "#161d23",
    "--surface-sunken": "#1c242b",
    "--line": "#29333c",
    "--line-strong": "#3d4a55",
    "--text-strong": "#f1f5f7",
    "--accent-text": "#86cfe0",
    "--accent-fill": "#4fb0c7",
    "--accent-soft": "#12323c",
    "--good": "#7bd49b",
    "--good-soft": "#15301f",
    "--warn": "#f0c069",
    "--warn-soft": "#33270f",
    "--bad": "#ff9a90",
    "--bad-soft": "#3a1a18",
    "--quiet": "#a0adb7",
    "--mark": "#6b5310",
    "--mark-soft": "#33290f",
  },
});
