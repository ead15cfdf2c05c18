/**
 * Takes sockets that a service manager such as systemd has opened (sd_listen_fds(3)): LISTEN_FDS descriptors from 3 on, for the process
 * LISTEN_PID.
 */
import type { Config } from '../../config/schema.js';
import { AdotdError, ErrorCode } from '../../errors.js';
import type { Log } from '../../observe/log.js';
import { endpointText } from '../../transport/address.js';
import { allowFastOpen, fastOpenObstacle } from '../../transport/fast-open.js';
import { libc } from '../../transport/libc.js';
import { type BoundSocket, describeSocket, keepFromChildren, prepareUdpSocket } from '../../transport/sockets.js';

/** The sockets for each protocol, in their order. TCP sockets listen already. */
export interface ActivatedSockets {
  readonly udp: readonly BoundSocket[];
  readonly tcp: readonly BoundSocket[];
  readonly tls: readonly BoundSocket[];
}

/** The first descriptor that is handed over (SD_LISTEN_FDS_START). */
const FIRST = 3;

/**
 * The name of a socket for TLS has the word `tls` or `dot`. It must be a whole word: by default systemd gives the unit's name, and
 * `adotd.socket` has the letters `dot` in it.
 */
const TLS_NAME = /(^|[^a-z0-9])(tls|dot)([^a-z0-9]|$)/i;

/**
 * The sockets that were handed over to the process `pid` according to `env`; undefined without any. A TCP socket is for TLS if its name
 * (LISTEN_FDNAMES) has the word `tls` or `dot`, or its port is `tlsPort`. Throws ADOTD_LISTEN for a socket that cannot be served.
 *
 * @param tlsPort undefined where TLS is not served
 * @param describe describes a descriptor, or gives the reason why it cannot be served
 */
export function activatedSockets(
  env: NodeJS.ProcessEnv,
  pid: number,
  tlsPort: number | undefined,
  describe: typeof describeSocket,
): ActivatedSockets | undefined {
  if (env.LISTEN_FDS === undefined || env.LISTEN_PID !== String(pid)) return undefined;
  if (!/^[0-9]{1,9}$/.test(env.LISTEN_FDS)) {
    throw new AdotdError(ErrorCode.LISTEN, `LISTEN_FDS is ${JSON.stringify(env.LISTEN_FDS)}, expected a number`);
  }
  const count = Number(env.LISTEN_FDS);
  if (count === 0) return undefined;
  const names = env.LISTEN_FDNAMES?.split(':') ?? [];
  const sockets = { udp: [] as BoundSocket[], tcp: [] as BoundSocket[], tls: [] as BoundSocket[] };
  for (let fd = FIRST; fd < FIRST + count; fd++) {
    const name = names[fd - FIRST] ?? '';
    const described = describe(fd);
    if (typeof described === 'string') throw unusable(fd, name, described, REMEDY);
    const named = TLS_NAME.test(name);
    const secure = described.protocol === 'tcp' && (named || described.endpoint.port === tlsPort);
    if (secure && tlsPort === undefined) {
      throw unusable(fd, name, 'its name says TLS, which `tls.enabled: false` turns off', 'change one of the two');
    }
    sockets[secure ? 'tls' : described.protocol].push({ ...described, fd });
  }
  return sockets;
}

const REMEDY =
  'the socket unit may have ListenDatagram= and ListenStream= only, each with a port or an address and a port, and Accept=no';

function unusable(fd: number, name: string, reason: string, remedy: string): AdotdError {
  const which = name === '' ? `descriptor ${fd}` : `descriptor ${fd} (${name})`;
  return new AdotdError(ErrorCode.LISTEN, `cannot serve ${which} of LISTEN_FDS: ${reason}; ${remedy}`);
}

/** Variables that child processes must not inherit. LISTEN_PIDFDID is new in systemd 258. */
const VARIABLES = ['LISTEN_PID', 'LISTEN_PIDFDID', 'LISTEN_FDS', 'LISTEN_FDNAMES'];

/**
 * Prepares the sockets that were handed over to this process, and logs them; undefined without any: then the server binds its own. To be
 * called once, before threads and child processes are started: the variables are removed from `env`, so that they do not inherit them.
 * Throws ADOTD_LISTEN.
 */
export function takeActivatedSockets(config: Config, log: Log, env = process.env): ActivatedSockets | undefined {
  const given = Object.fromEntries(VARIABLES.map((name) => [name, env[name]]));
  for (const name of VARIABLES) delete env[name];
  const tlsPort = config.tls.enabled ? config.tls_port : undefined;
  const sockets = activatedSockets(given, process.pid, tlsPort, (fd) => {
    const system = libc();
    if (typeof system !== 'string') return describeSocket(fd);
    throw new AdotdError(ErrorCode.LISTEN, `cannot take the sockets of LISTEN_FDS: ${system}; let adotd bind its own`);
  });
  if (sockets === undefined) {
    if (given.LISTEN_FDS !== undefined && given.LISTEN_PID !== String(process.pid)) {
      log.info(
        { listenPid: given.LISTEN_PID },
        `sockets were handed over to process ${given.LISTEN_PID}, not to this one: they are not used. A service must start node itself, not npm or a shell`,
      );
    }
    return undefined;
  }
  for (const { fd } of [...sockets.udp, ...sockets.tcp, ...sockets.tls]) keepFromChildren(fd);
  const { receive_buffer: receiveBuffer, send_buffer: sendBuffer } = config.udp;
  const options = { reusePort: false, receiveBuffer, sendBuffer };
  for (const { fd, endpoint } of sockets.udp) prepareUdpSocket(fd, endpoint, options);
  if (config.tcp.fast_open > 0 && fastOpenObstacle() === undefined) {
    for (const { fd } of [...sockets.tcp, ...sockets.tls]) allowFastOpen(fd, config.tcp.fast_open);
  }
  const list = (bound: readonly BoundSocket[]): string =>
    bound.map(({ endpoint: { address, port } }) => endpointText(address, port)).join(',') || 'none';
  log.info(
    sockets,
    `sockets were handed over: UDP ${list(sockets.udp)}, TCP ${list(sockets.tcp)}, TLS ${list(sockets.tls)}; \`listen\` and \`port\` are not used, \`tls_port\` only tells TLS from TCP`,
  );
  return sockets;
}
