/** The network interfaces of this machine. */
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { messageOf } from '../errors.js';

/**
 * By name, or why they cannot be read: a service manager that permits sockets of the internet only (systemd's
 * `RestrictAddressFamilies`, as in our units) forbids to ask (AF_NETLINK).
 */
export function interfaces(read = networkInterfaces): Readonly<NodeJS.Dict<NetworkInterfaceInfo[]>> | string {
  try {
    return read();
  } catch (error) {
    return messageOf(error);
  }
}
