import { ActionIcon, Menu, useMantineColorScheme } from "@mantine/core";
import type { MantineColorScheme } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import IconCheck from "@tabler/icons-react/dist/esm/icons/IconCheck.mjs";
import IconDeviceDesktop from "@tabler/icons-react/dist/esm/icons/IconDeviceDesktop.mjs";
import IconLogout from "@tabler/icons-react/dist/esm/icons/IconLogout.mjs";
import IconMoon from "@tabler/icons-react/dist/esm/icons/IconMoon.mjs";
import IconSun from "@tabler/icons-react/dist/esm/icons/IconSun.mjs";
import { queryKeys } from "../api/query-keys.ts";
import { signOut } from "../api/requests.ts";
import type { Session } from "../api/requests.ts";
import { useStoredFlag } from "../feedback/stored-flag.ts";
import { showProblem } from "../feedback/toasts.ts";
import { shortcutsSetting } from "./shortcuts.ts";

const schemes: readonly { value: MantineColorScheme; label: string; Icon: typeof IconSun }[] = [
  { value: "light", label: "Light", Icon: IconSun },
  { value: "dark", label: "Dark", Icon: IconMoon },
  { value: "auto", label: "Same as the system", Icon: IconDeviceDesktop },
];

/** Colours, shortcuts and, where one had to sign in, the way out. */
export function AppearanceMenu() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const [hasShortcuts, setHasShortcuts] = useStoredFlag(shortcutsSetting, true);
  const Current = schemes.find(({ value }) => value === colorScheme)?.Icon ?? IconDeviceDesktop;
  return (
    <Menu>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label="Appearance and settings">
          <Current size={19} stroke={1.7} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>Appearance</Menu.Label>
        {schemes.map(({ value, label, Icon }) => (
          <Menu.Item
            key={value}
            leftSection={<Icon size={16} />}
            rightSection={value === colorScheme ? <IconCheck size={15} aria-label="chosen" /> : null}
            onClick={() => setColorScheme(value)}
          >
            {label}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Label>Keyboard</Menu.Label>
        <Menu.Item
          closeMenuOnClick={false}
          rightSection={hasShortcuts ? <IconCheck size={15} aria-label="on" /> : null}
          onClick={() => setHasShortcuts(!hasShortcuts)}
        >
          “/” jumps to search
        </Menu.Item>
        <SignOutItem />
      </Menu.Dropdown>
    </Menu>
  );
}

function SignOutItem() {
  const queries = useQueryClient();
  const session = useQuery<Session>({ queryKey: queryKeys.session, enabled: false });
  if (session.data?.required !== true) return null;
  const leave = async () => {
    try {
      await signOut();
      queries.setQueryData<Session>(queryKeys.session, { required: true, signed_in: false });
      // Nothing of what was seen stays behind; the session itself is still being watched.
      queries.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== queryKeys.session[0] });
    } catch (error) {
      showProblem("Not signed out", error);
    }
  };
  return (
    <>
      <Menu.Divider />
      <Menu.Item leftSection={<IconLogout size={16} />} onClick={() => void leave()}>
        Sign out
      </Menu.Item>
    </>
  );
}
