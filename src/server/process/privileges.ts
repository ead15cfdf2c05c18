/**
 * Gives up root once the addresses are bound: `user` and `group` of the configuration. A server that starts as an ordinary user with
 * CAP_NET_BIND_SERVICE, or with sockets that are handed over, needs none of this.
 * NOT here: accounts that only a directory service knows. Names are looked up in /etc/passwd and /etc/group, so that no other service has
 * to run; for other accounts the configuration takes numbers.
 */
import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs';
import type { Config } from '../../config/schema.js';
import { AdotdError, ErrorCode, systemReason } from '../../errors.js';
import type { Log } from '../../observe/log.js';
import { makeFolderFor } from '../control/control-folders.js';
import { filesReadAgain, handOverCertificate, unreadableAfterDrop } from './files-after-drop.js';
import { handOverLogs } from './log-files.js';

/** The user that the server becomes. */
export interface Identity {
  /** As the configuration names it, for messages. */
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** All groups of the process, `gid` among them. */
  readonly groups: readonly number[];
}

/** Calls of the system; others in tests. They return undefined where the system has no such thing. */
export interface Accounts {
  uid(): number | undefined;
  gid(): number | undefined;
  /** Each throws when the system refuses it. */
  setGroups(groups: readonly number[]): void;
  setGid(gid: number): void;
  setUid(uid: number): void;
  /** The text of a system file; empty without the file. */
  read(file: string): string;
  /** The status of each thread of this process (proc_pid_status(5)); undefined where threads have no privileges of their own. */
  threads(): readonly string[] | undefined;
}

type Wanted = Pick<Config, 'user' | 'group'>;

/**
 * Returns the user to become; undefined without `user`, or if this process runs as that user already. To be called before anything is
 * bound. Throws ADOTD_CONFIG when `user` or `group` is unknown here, or this process cannot change to it.
 */
export function checkPrivileges(
  { user, group }: Wanted,
  env: NodeJS.ProcessEnv,
  accounts: Accounts = system,
): Identity | undefined {
  if (user === undefined) {
    if (group !== undefined) throw problem(`\`group: ${group}\` without \`user\`; name both, or none`);
    return undefined;
  }
  const current = accounts.uid();
  if (current === undefined) throw problem('this system has no users to change to; leave `user` out');
  const identity = identityOf(user, group, accounts);
  if (identity.uid === 0) throw problem(`\`user: ${user}\` keeps all privileges; name another, or leave it out`);
  if (current === identity.uid && accounts.gid() === identity.gid) return undefined;
  if (current !== 0) {
    throw problem(
      `only root can become \`user: ${user}\`, and this is user ${current}; start as root, or leave \`user\` out and give node CAP_NET_BIND_SERVICE or sockets (systemd)`,
    );
  }
  // The same test as libuv's. With io_uring, Node refuses setuid(): the kernel's threads would stay root (CVE-2024-22017).
  if (/^\s*[+-]?0*[1-9]/.test(env.UV_USE_IO_URING ?? '')) {
    throw problem(
      `\`user: ${user}\` does not work with UV_USE_IO_URING=${env.UV_USE_IO_URING}; take it out of the environment`,
    );
  }
  return identity;
}

/** The user that a server started by root becomes; undefined without `user`, or if it is unknown here. */
export function wantedIdentity(wanted: Wanted, accounts: Accounts = system): Identity | undefined {
  if (wanted.user === undefined || accountMistake(wanted, accounts) !== undefined) return undefined;
  return checkPrivileges(wanted, {}, { ...accounts, uid: () => 0, gid: () => 0 });
}

/** The error that checkPrivileges() would throw for root, with its key; undefined if there is none. */
export function accountMistake(
  wanted: Wanted,
  accounts: Accounts = system,
): { readonly key: 'user' | 'group'; readonly message: string } | undefined {
  try {
    checkPrivileges(wanted, {}, { ...accounts, uid: () => 0, gid: () => 0 });
    return undefined;
  } catch (error) {
    if (!(error instanceof AdotdError)) throw error;
    return { key: error.message.startsWith('`group') ? 'group' : 'user', message: error.message };
  }
}

/** A warning for the log when the server stays root; undefined otherwise. */
export function rootWarning({ user }: Wanted, accounts: Accounts = system): string | undefined {
  if (user !== undefined || accounts.uid() !== 0) return undefined;
  return 'running as root: set `user`, which the server becomes once the ports are bound, so that a fault in the server does not open the whole machine';
}

/**
 * Calls dropPrivileges(), and before it gives the server's own certificate, its logs and a folder for its control socket to the new user. Logs the files that cannot be
 * read, renewed or begun anew any more. `read`: files that reloads will read, besides those that the configuration names.
 */
export function giveUpPrivileges(config: Config, identity: Identity, log: Log, read: readonly string[] = []): void {
  const { name, uid, gid, groups } = identity;
  if (config.control.socket === undefined) makeFolderFor(identity, process.env);
  const obstacle = handOverCertificate(config, identity);
  const obstacles = [...(obstacle === undefined ? [] : [obstacle]), ...handOverLogs(config, identity)];
  dropPrivileges(identity);
  log.info({ user: name, uid, gid, groups }, `all privileges are given up: this is now ${name}, ${uid}:${gid}`);
  for (const text of obstacles) log.warn({}, text);
  for (const file of unreadableAfterDrop([...new Set([...filesReadAgain(config), ...read])])) {
    log.warn({ file }, unreadable(name, file));
  }
  const { socket } = config.dnstap;
  if (socket !== undefined && existsSync(socket) && !canWrite(socket)) {
    log.warn(
      { socket },
      `${name} cannot write to the dnstap socket ${socket}; let this user, or one of its groups, write to it`,
    );
  }
}

/** The line about a file that the user `name` cannot read, for the log and `adotd check`. */
export function unreadable(name: string, file: string): string {
  return `${name} cannot read ${file}: reloads will fail; let this user, or one of its groups, read it`;
}

function canWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Becomes `identity` in all threads, for good, and checks the result. To be called in the main thread once everything is bound and read;
 * threads that are started later inherit the new identity. Throws ADOTD_CONFIG; the process must end then.
 */
export function dropPrivileges(identity: Identity, accounts: Accounts = system): void {
  const { name, uid, gid, groups } = identity;
  try {
    accounts.setGroups(groups);
    accounts.setGid(gid);
    accounts.setUid(uid);
  } catch (error) {
    throw problem(`cannot become \`user: ${name}\` (${uid}:${gid}): ${systemReason(error)}`, error);
  }
  const found = remainder(identity, accounts);
  if (found !== undefined)
    throw problem(`became \`user: ${name}\` (${uid}:${gid}), but ${found}; adotd does not go on`);
}

/** Describes a privilege that is left; undefined if there is none. */
function remainder(identity: Identity, accounts: Accounts): string | undefined {
  const { uid, gid } = identity;
  if (accounts.uid() !== uid || accounts.gid() !== gid) return `this is ${accounts.uid()}:${accounts.gid()}`;
  try {
    accounts.setUid(0);
    return 'could go back to root';
  } catch {
    // Expected.
  }
  const threads = accounts.threads();
  if (threads === undefined) return undefined;
  if (threads.length === 0) return 'the threads cannot be seen (/proc is not mounted)';
  return threads.map((status) => remainderOfThread(identity, status)).find((text) => text !== undefined);
}

function remainderOfThread({ uid, gid, groups }: Identity, status: string): string | undefined {
  const wanted = {
    Uid: Array(4).fill(uid).join(' '),
    Gid: Array(4).fill(gid).join(' '),
    Groups: sorted(groups),
    CapPrm: NO_CAPABILITIES,
    CapEff: NO_CAPABILITIES,
    CapAmb: NO_CAPABILITIES,
  };
  for (const [field, expected] of Object.entries(wanted)) {
    const text = new RegExp(`^${field}:[ \t]*(.*)$`, 'm').exec(status)?.[1]?.trim().replace(/\s+/g, ' ');
    const value = field === 'Groups' && text ? sorted(text.split(' ').map(Number)) : text;
    if (value === expected) continue;
    const thread = /^Pid:\s*(\d+)/m.exec(status)?.[1] ?? '?';
    return `thread ${thread} has ${field} ${value ?? 'unknown'}, expected ${expected}`;
  }
  return undefined;
}

const NO_CAPABILITIES = '0'.repeat(16);

function sorted(numbers: readonly number[]): string {
  return [...new Set(numbers)].sort((a, b) => a - b).join(' ');
}

function identityOf(user: string | number, group: string | number | undefined, accounts: Accounts): Identity {
  const groupLines = lines(accounts.read('/etc/group'));
  const account = find(lines(accounts.read('/etc/passwd')), user);
  const [name, , listed, primary] = account ?? [];
  const uid = numeric(listed ?? user);
  if (uid === undefined) {
    throw problem(`\`user: ${user}\` is not in /etc/passwd; create it, or give numbers for \`user\` and \`group\``);
  }
  const gid = numeric(group === undefined ? (primary ?? '') : (find(groupLines, group)?.[2] ?? group));
  if (gid === undefined) {
    throw problem(
      group === undefined
        ? `\`user: ${user}\` is not in /etc/passwd, which would tell its group; name \`group\` too`
        : `\`group: ${group}\` is not in /etc/group; create it, or give its number`,
    );
  }
  const member = groupLines.filter(([, , , members]) => name !== undefined && members?.split(',').includes(name));
  return { name: String(user), uid, gid, groups: [...new Set([gid, ...member.map(([, , id]) => Number(id))])] };
}

/** The fields of the line for a name or number. */
function find(all: readonly string[][], wanted: string | number): readonly string[] | undefined {
  const number = numeric(wanted);
  return all.find(([name, , id]) => (number === undefined ? name === wanted : Number(id) === number));
}

/** Lines of passwd(5), name:password:number:group:…, and of group(5), name:password:number:members. */
function lines(text: string): string[][] {
  const all = text.split('\n').map((line) => line.split(':'));
  return all.filter(([, , id]) => id !== undefined && numeric(id) !== undefined);
}

/** A number, also in quotes; undefined for a name. */
function numeric(account: string | number): number | undefined {
  return /^[0-9]+$/.test(String(account)) ? Number(account) : undefined;
}

function problem(message: string, cause?: unknown): AdotdError {
  return new AdotdError(ErrorCode.CONFIG, message, { cause });
}

/** The calls of Node. */
const system: Accounts = {
  uid: () => process.getuid?.(),
  gid: () => process.getgid?.(),
  setGroups: (groups) => process.setgroups?.([...groups]),
  setGid: (gid) => process.setgid?.(gid),
  setUid: (uid) => process.setuid?.(uid),
  read(file) {
    try {
      return readFileSync(file, 'utf8');
    } catch {
      return '';
    }
  },
  threads() {
    if (process.platform !== 'linux') return undefined;
    try {
      // A thread may end meanwhile.
      return readdirSync('/proc/self/task')
        .map((thread) => this.read(`/proc/self/task/${thread}/status`))
        .filter(Boolean);
    } catch {
      return [];
    }
  },
};
