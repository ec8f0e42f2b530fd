import ipaddr from "ipaddr.js";

const globalUnicast = ipaddr.IPv6.parseCIDR("2000::/3");
/** Looks public, and is the host of each virtual machine in Azure: it gives out what they are set up with. */
const azureHost = "168.63.129.16";

/**
 * Whether an IP address is one of the public internet. What is not known to be is not: private, loopback,
 * link-local (where clouds keep their metadata), shared by carriers, multicast and reserved ones, and all
 * IPv6 addresses that stand for an IPv4 one (mapped, 6to4, Teredo, NAT64), which would hide the others.
 */
export function isPublicAddress(address: string): boolean {
  // A zone ("fe80::1%eth0") is only for addresses of this link.
  if (address.includes("%") || !ipaddr.isValid(address)) return false;
  const parsed = ipaddr.parse(address);
  if (parsed.range() !== "unicast" || parsed.toString() === azureHost) return false;
  return parsed instanceof ipaddr.IPv4 || parsed.match(globalUnicast);
}

/** The same address in one form, so that texts can be compared: sockets and resolvers write some differently. */
export function sameForm(address: string): string {
  return ipaddr.isValid(address) ? ipaddr.process(address).toNormalizedString() : address;
}
