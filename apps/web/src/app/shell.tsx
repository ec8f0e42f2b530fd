import { Link, Outlet, useNavigate } from "@tanstack/react-router";
import IconAlignLeft from "@tabler/icons-react/dist/esm/icons/IconAlignLeft.mjs";
import IconActivity from "@tabler/icons-react/dist/esm/icons/IconActivity.mjs";
import IconCoins from "@tabler/icons-react/dist/esm/icons/IconCoins.mjs";
import IconFiles from "@tabler/icons-react/dist/esm/icons/IconFiles.mjs";
import IconHome from "@tabler/icons-react/dist/esm/icons/IconHome.mjs";
import IconMessageQuestion from "@tabler/icons-react/dist/esm/icons/IconMessageQuestion.mjs";
import IconSearch from "@tabler/icons-react/dist/esm/icons/IconSearch.mjs";
import IconUsersGroup from "@tabler/icons-react/dist/esm/icons/IconUsersGroup.mjs";
import type { ReactNode } from "react";
import { useSystem } from "../api/use-system.ts";
import { AlarmCount } from "../monitor/alarms/alarm-count.tsx";
import { Announcer } from "../feedback/announcer.tsx";
import { DropOverlay } from "../uploads/drop-overlay.tsx";
import { AppearanceMenu } from "./appearance-menu.tsx";
import { ConnectionBanner } from "./connection-banner.tsx";
import { HeaderSearch } from "./header-search.tsx";
import { LiveIndicator } from "./live-indicator.tsx";
import { Mark } from "./mark.tsx";
import classes from "./shell.module.css";

/** What is around every page: header, navigation, the drop target, the place that is read out. */
export function Shell() {
  const navigate = useNavigate();
  return (
    <div className={classes.shell}>
      <a className={classes.skip} href="#main">
        Skip to content
      </a>
      <header className={classes.header}>
        <Link to="/" className={classes.brand} aria-label="Millrace, home">
          <Mark />
          <span className={classes.word}>Millrace</span>
        </Link>
        <HeaderSearch />
        <div className={classes.tools}>
          <LiveIndicator />
          <AppearanceMenu />
        </div>
      </header>
      <nav className={classes.navigation} aria-label="Main">
        <NavigationLink to="/" label="Home" icon={<IconHome size={20} stroke={1.7} />} />
        <NavigationLink to="/documents" label="Documents" icon={<IconFiles size={20} stroke={1.7} />} />
        <NavigationLink to="/summaries" label="Summaries" icon={<IconAlignLeft size={20} stroke={1.7} />} />
        <NavigationLink to="/ask" label="Ask" icon={<IconMessageQuestion size={20} stroke={1.7} />} />
        <NavigationLink to="/search" label="Search" icon={<IconSearch size={20} stroke={1.7} />} />
        <NavigationLink to="/crews" label="Crews" icon={<IconUsersGroup size={20} stroke={1.7} />} />
        <NavigationLink
          to="/monitor"
          label="Monitor"
          icon={<IconActivity size={20} stroke={1.7} />}
          note={<AlarmCount />}
        />
        <NavigationLink to="/usage" label="Usage" icon={<IconCoins size={20} stroke={1.7} />} />
        <SystemLine />
      </nav>
      <div className={classes.column}>
        <ConnectionBanner />
        <main id="main" tabIndex={-1} className={classes.main}>
          <Outlet />
        </main>
      </div>
      <Announcer />
      <DropOverlay onDropped={() => void navigate({ to: "/" })} />
    </div>
  );
}

function NavigationLink({
  to,
  label,
  icon,
  note,
}: {
  to: "/" | "/documents" | "/summaries" | "/ask" | "/search" | "/crews" | "/monitor" | "/usage";
  label: string;
  icon: ReactNode;
  note?: ReactNode;
}) {
  return (
    <Link
      to={to}
      className={classes.link}
      activeOptions={{ exact: to === "/", includeSearch: false }}
      activeProps={{ "data-active": true }}
    >
      <span className={classes.linkIcon} aria-hidden="true">
        {icon}
      </span>
      {label}
      {note === undefined ? null : <span className={classes.linkNote}>{note}</span>}
    </Link>
  );
}

function SystemLine() {
  const system = useSystem();
  if (system === undefined) return null;
  return (
    <dl className={classes.system}>
      <dt>Model</dt>
      <dd>{system.models.chat.built_in ? "Built-in, offline" : system.models.chat.name}</dd>
      <dt>Version</dt>
      <dd>{system.version}</dd>
    </dl>
  );
}
