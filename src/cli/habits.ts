/**
 * Words that people know from another verb or another tool (named-checkconf, named-checkzone, nsd-checkconf, knotc, rndc, kzonecheck,
 * dig, kdig, nsupdate), and the remedy here. An option that the verb has is not listed. An option of another verb is listed if there is a
 * remedy; otherwise the message says which verbs have it. The words of dig that `adotd query` understands are in dig-words.ts.
 */

/** By the typed word: the remedy, as the end of an error message. */
type Habits = Readonly<Record<string, string>>;

const CHECK_CONFIG = 'write adotd check FILE, with the configuration as FILE';
const FOREGROUND =
  'leave it out: it always runs in the foreground, and the service manager starts it (docs/deployment.md)';
const CONFIGURED = (key: string): string => `write ${key} into the configuration (docs/configuration.md)`;
const USES_SHELL = 'leave it out: it prints to standard output (> FILE)';
const TRANSPORT = (name: string): string => `write --transport ${name}`;
const NO_KEY = 'leave it out: the control socket needs no port and no key; choose one by --socket PATH';
const SIGNED = 'leave it out: signed zones are verified always';
const TLS_FILES: Habits = {
  '--ca': 'write --tls-ca FILE',
  '--cafile': 'write --tls-ca FILE',
  '--ca-file': 'write --tls-ca FILE',
  '--pin': 'write --tls-pin BASE64',
  '--sni': 'write --tls-host NAME',
  '--tls-hostname': 'write --tls-host NAME',
  '--tls-name': 'write --tls-host NAME',
  '--insecure': 'leave it out: certificates are verified with --tls-ca or --tls-pin only',
  '--format': 'write --json',
};

/** By verb, and then by option, as it is typed without its value. */
const OPTIONS: Readonly<Record<string, Habits>> = {
  serve: {
    '-c': 'write --config FILE',
    '-u': CONFIGURED('user: NAME'),
    '--user': CONFIGURED('user: NAME'),
    '--group': CONFIGURED('group: NAME'),
    '-f': FOREGROUND,
    '-g': FOREGROUND,
    '-d': FOREGROUND,
    '--daemon': FOREGROUND,
    '--foreground': FOREGROUND,
    '--detached': FOREGROUND,
    '-4': 'write --listen ADDRESS, with IPv4 addresses only',
    '-6': 'write --listen ADDRESS, with IPv6 addresses only',
    '-a': 'write --listen ADDRESS',
    '--address': 'write --listen ADDRESS',
    '--bind': 'write --listen ADDRESS',
    '--host': 'write --listen ADDRESS',
    '--cert': CONFIGURED('tls.certificates'),
    '--key': CONFIGURED('tls.certificates'),
    '--folder': 'write --zones DIR',
    '--dir': 'write --zones DIR',
    '--socket': 'write --control-socket PATH',
    '--seed': 'write --faults-seed N',
    '--lenient': 'leave it out: it starts although zones have errors, unless there is --strict',
    '--no-tls': CONFIGURED('tls: { enabled: false }'),
    '--metrics': CONFIGURED('metrics: { listen: PORT }'),
    '--json': 'write --log-format json',
    '--format': 'write --log-format json|pretty',
    '--verbose': 'write --log-level debug',
    '--debug': 'write --log-level debug',
    '--quiet': 'write --log-level warn',
    '--dnssec': CONFIGURED('state, and dnssec: default in zones.policies,'),
    '--check': CHECK_CONFIG,
    '--reload': 'write adotd ctl reload',
    '--timeout': CONFIGURED('sessions (idle times)'),
  },
  ctl: {
    '--control-socket': 'write --socket PATH',
    '--zone': 'write the zone behind the command, as in adotd ctl reload ZONE',
    '--zones': 'write the zone behind the command, as in adotd ctl reload ZONE; without one, all zones are meant',
    '--format': 'write --json',
    '--log-level': 'write adotd ctl log-level LEVEL',
    '--strict': CHECK_CONFIG,
    '-p': NO_KEY,
    '--port': NO_KEY,
    '-k': NO_KEY,
    '-y': NO_KEY,
    '-b': 'leave it out: each command waits until it is carried out',
    '-B': 'leave it out: each command waits until it is carried out',
    '--blocking': 'leave it out: each command waits until it is carried out',
  },
  check: {
    '--config': CHECK_CONFIG,
    '-c': CHECK_CONFIG,
    '--zones': 'write adotd check DIR, with the folder as DIR',
    '--certs': `leave it out: certificates are checked with the configuration; ${CHECK_CONFIG}`,
    '-z': `leave it out: zones are checked with the configuration that names them; ${CHECK_CONFIG}`,
    '-D': 'write --print',
    '-o': 'write --print > FILE; the name of a zone is given by --zone NAME=FILE',
    '--output': 'write --print > FILE',
    '--write': 'write --print > FILE',
    '--origin': 'write --zone NAME=FILE',
    '--name': 'write --zone NAME=FILE',
    '-d': SIGNED,
    '-j': 'write --format json',
    '--dnssec': SIGNED,
    '--json': 'write --format json',
    '--werror': 'write --strict',
    '-q': 'leave it out, and write > /dev/null: the exit status says whether there are errors',
    '--quiet': 'leave it out, and write > /dev/null: the exit status says whether there are errors',
    '-t': 'change to the folder first (cd DIR)',
    '-w': 'change to the folder first (cd DIR)',
    '--lenient': 'leave it out: warnings do not count, unless there is --strict',
  },
  import: {
    '-o': 'write --write FILE',
    '--output': 'write --write FILE',
    '-f': 'write the export alone: adotd import FILE',
    '-i': 'write the export alone: adotd import FILE',
    '--input': 'write the export alone: adotd import FILE',
    '--file': 'write the export alone: adotd import FILE',
    '--origin': 'write --zone NAME',
    '--name': 'write --zone NAME',
    '--domain': 'write --zone NAME',
    '--from': 'leave it out: the export is recognised',
    '--format': 'leave it out: the export is recognised',
    '--print': USES_SHELL,
    '--force': 'leave it out: --write makes new files only, so move the old one away first',
    '--strict': 'write the zone with --write FILE, and then adotd check --strict FILE',
  },
  query: {
    ...TLS_FILES,
    '--server': 'write @SERVER',
    '--nameserver': 'write @SERVER',
    '--host': 'write @SERVER',
    '-s': 'write @SERVER',
    '--listen': 'write @SERVER',
    '--type': 'write the type behind the name: adotd query NAME TYPE',
    '--name': 'write the name alone: adotd query NAME TYPE',
    '--zone': 'write the name alone: adotd query NAME TYPE',
    '--udp': TRANSPORT('udp'),
    '--tcp': TRANSPORT('tcp'),
    '--tls': TRANSPORT('tls'),
    '--starttls': TRANSPORT('starttls'),
    '--no-tls': TRANSPORT('udp'),
    '--tls-port': 'write --transport tls --port PORT',
    '--retry': 'write --tries N',
    '--retries': 'write --tries N',
    '--bufsize': 'write --edns-size N',
    '--do': 'write --dnssec',
    '--rd': 'write --recurse',
    '--reverse': 'write -x ADDRESS',
    '--ptr': 'write -x ADDRESS',
  },
  update: {
    '--ca': 'write --tls-ca FILE',
    '--pin': 'write --tls-pin BASE64',
    '--sni': 'write --tls-host NAME',
    '--tls-hostname': 'write --tls-host NAME',
    '--insecure': 'leave it out: certificates are verified with --tls-ca or --tls-pin only',
    '--key': 'write --tsig [ALGORITHM:]NAME:SECRET, or --tsig-file FILE',
    '--key-file': 'write --tsig-file FILE',
    '--host': 'write @SERVER',
    '--zone': 'write a line "zone NAME" among the commands',
    '--ttl': 'write a line "ttl SECONDS" among the commands',
    '--tcp': TRANSPORT('tcp'),
    '--udp': TRANSPORT('udp'),
    '--starttls': TRANSPORT('starttls'),
    '--retries': 'write --tries N',
    '--dry-run': 'write --check',
  },
  probe: {
    ...TLS_FILES,
    '-p': 'write --port PORT',
    '--server': 'write the server alone: adotd probe SERVER',
    '--host': 'write the server alone: adotd probe SERVER',
    '--transport': 'leave it out: all transports are tried',
    '--tls': 'leave it out: all transports are tried',
    '--starttls': 'leave it out: all transports are tried',
    '--tcp': 'leave it out: all transports are tried',
    '--udp': 'leave it out: all transports are tried',
    '--name': 'write --zone ZONE',
    '--output': 'write --json > FILE',
  },
  keys: {
    '--zone': 'write --zones DIR, or --config FILE with a configuration that names the zone file',
    '--cert': 'write --config FILE, with tls.certificates in it (docs/configuration.md)',
    '--key': 'write --config FILE, with tls.certificates in it (docs/configuration.md)',
    '--format': 'write --json',
    '--output': USES_SHELL,
    '--write': USES_SHELL,
  },
  schema: {
    '--json': 'leave it out: it prints JSON',
    '--format': 'leave it out: it prints JSON',
    '--config': CHECK_CONFIG,
    '-o': USES_SHELL,
    '--output': USES_SHELL,
    '--write': USES_SHELL,
  },
  fixture: {
    '-c': 'write --config FILE',
    '-p': 'write --port PORT',
    '--file': 'write --zone NAME=FILE',
    '--folder': 'write --zones DIR',
    '--address': 'write --listen ADDRESS',
    '--bind': 'write --listen ADDRESS',
    '--host': 'write --listen ADDRESS',
    '--faults-seed': 'write --seed N',
    '--strict': 'leave it out: it does not start if zones have errors, unless there is --lenient',
    '--ca': 'write --ca-file FILE',
    '--certs': 'write --config FILE, with tls.certs_folder in it',
    '--cert': 'write --config FILE, with tls.certificates in it',
    '--no-starttls': 'write --config FILE, with starttls: { upgrade: off } in it',
    '--daemon': 'write --detached',
    '--socket': 'leave it out: it takes commands from its standard input (docs/testing.md)',
    '--control-socket': 'leave it out: it takes commands from its standard input (docs/testing.md)',
    '--workers': 'leave it out: it answers in one thread',
    '--log-level': 'leave it out: it has no log',
    '--log-format': 'leave it out: it has no log',
    '--json': 'leave it out: it prints JSON',
  },
  completion: {
    '--shell': 'write the shell alone: adotd completion bash',
    '--bash': 'write the shell alone: adotd completion bash',
    '--zsh': 'write the shell alone: adotd completion zsh',
    '--fish': 'write the shell alone: adotd completion fish',
    '--output': USES_SHELL,
  },
};

/** By the word typed in place of a verb. */
const VERBS: Habits = {
  start: 'write adotd serve',
  run: 'write adotd serve',
  server: 'write adotd serve',
  daemon: 'write adotd serve',
  stop: 'write adotd ctl drain',
  drain: 'write adotd ctl drain',
  shutdown: 'write adotd ctl drain',
  reload: 'write adotd ctl reload',
  reconfig: 'write adotd ctl reload',
  status: 'write adotd ctl status',
  stats: 'write adotd ctl stats',
  health: 'write adotd ctl health',
  checkconf: CHECK_CONFIG,
  checkzone: 'write adotd check FILE, with the zone file as FILE',
  lint: CHECK_CONFIG,
  validate: CHECK_CONFIG,
  verify: CHECK_CONFIG,
  test: CHECK_CONFIG,
  dig: 'write adotd query',
  resolve: 'write adotd query',
  lookup: 'write adotd query',
  tlsa: 'write adotd keys',
  nsupdate: 'write adotd update',
};

/** By the word typed in place of a command of `adotd ctl`. */
const COMMANDS: Habits = {
  stop: 'write drain',
  halt: 'write drain',
  shutdown: 'write drain',
  reconfig: 'write reload',
  'conf-check': CHECK_CONFIG,
  checkconf: CHECK_CONFIG,
  'zone-reload': 'write reload ZONE',
  'zone-read': 'write dump-zone ZONE',
  dumpdb: 'write dump-zone ZONE',
  zonestatus: 'write zone-status',
  zones: 'write zone-status',
  trace: 'write log-level debug',
};

/** All of them. */
export const HABITS = { options: OPTIONS, verbs: VERBS, commands: COMMANDS } as const;

/** The remedy for an option that a verb does not have: the end of a message. undefined: nothing is plainly meant. */
export function habitOfOption(verb: string, option: string): string | undefined {
  return Object.hasOwn(OPTIONS, verb) ? habitOf(OPTIONS[verb] ?? {}, option) : undefined;
}

/** The same for a verb that does not exist. */
export function habitOfVerb(verb: string): string | undefined {
  return habitOf(VERBS, verb);
}

/** The same for a command of `adotd ctl` that does not exist. */
export function habitOfCommand(command: string): string | undefined {
  return habitOf(COMMANDS, command);
}

function habitOf(habits: Habits, word: string): string | undefined {
  return Object.hasOwn(habits, word) ? habits[word] : undefined;
}
