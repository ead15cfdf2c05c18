/** Octets of the longest path of a Unix socket: sockaddr_un has room for 108, with a NUL behind the path (unix(7)). */
export const MAX_UNIX_PATH = 107;
