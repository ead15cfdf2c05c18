/** `adotd keys`: prints the certificates of the server, and the TLSA records to publish; `adotd keys tsig` makes a key of TSIG. */
import { hostname } from 'node:os';
import { readConfig } from '../config/load.js';
import { type Config, defaultConfig } from '../config/schema.js';
import type { Loaded } from '../image/load.js';
import { DOT_PORT, Type } from '../protocol/iana.js';
import { nameFromText } from '../protocol/name.js';
import type { ServerStatus } from '../server/control/control-target.js';
import type { DnssecStatus } from '../server/signing/signing-status.js';
import { loadZone } from '../server/zones/load-zone.js';
import { zonesOfConfig } from '../server/zones/zone-files.js';
import { certificateNotes } from '../tls/certificate-notes.js';
import { type CertificateSet, certificateSets } from '../tls/certificate-sets.js';
import type { Certificate, CertificateFiles } from '../tls/certificates.js';
import { existingCertificates } from '../tls/served.js';
import { configuredShares, svcbOwner, svcbRdata, svcbRecord } from '../tls/service-binding.js';
import { compareTlsa, type TlsaVerdict, tlsaOwner, tlsaRecord } from '../tls/tlsa.js';
import { addressesOf, nameserversOf, rrsetsOfType } from '../zone/nameservers.js';
import { Exit, type Options, parse, UsageError, type Verb } from './arguments.js';
import { socketOf } from './ctl/find-socket.js';
import { controlClient } from './ctl-client.js';
import { dsGlueLines, type GluedZone, glueNumbers } from './signing/ds-glue-text.js';
import { zoneKeysText } from './signing/zone-keys.js';
import { tsigKeyText } from './tsig/tsig-key.js';

const OPTIONS = {
  config: { type: 'string' },
  zones: { type: 'string' },
  certs: { type: 'string' },
  json: { type: 'boolean' },
  hints: { type: 'boolean' },
  'ds-glue': { type: 'string' },
  algorithm: { type: 'string' },
  for: { type: 'string' },
  socket: { type: 'string' },
} as const satisfies Options;

/** Milliseconds for which the server may send nothing. */
const ANSWER_TIME = 10_000;

export const keys: Verb = {
  help: `usage: adotd keys [--config FILE] [--zones DIR] [--certs DIR] [--hints] [--json]
       adotd keys zone NAME [--config FILE] [--socket PATH] [--json]
       adotd keys tsig NAME [--algorithm ALGORITHM] [--for SERVER] [--config FILE]

Prints the certificates of DNS over TLS: subject, names, validity and SPKI pin, as comments, and for every nameserver of
every zone the records to paste into zone files: TLSA, one for each kind of key, and SVCB (RFC 9461), which says that it
speaks DNS over TLS and on which port. Those of other nameservers than this one do not belong into a zone. If no certificate
is configured and none exists, it makes the server's own one first. It warns of TLSA records in the zones that do not
match. Exit status 0, or 1 if a certificate cannot be used or a zone cannot be read.

  --config FILE  configuration (YAML)
  --zones DIR    the *.zone files in this folder
  --certs DIR    folder of the server's own certificate (default certs)
  --hints        SVCB: with the addresses that the zones have for the nameserver
  --ds-glue ALGORITHM/DIGEST
                 DS records, too, that tell resolvers in the parent of nameservers, their addresses and SVCB records
                 (draft-schwartz-ds-glue), with these numbers: IANA has assigned none
  --json         print one JSON object

adotd keys zone asks the running server for the keys of the zone NAME, which it signs, and prints them for the registrar,
before the TLSA records: the DS records that the parent is to have and their DNSKEY records, and as comments those that are to come or to go.

  --socket PATH  the control socket (default: as adotd ctl finds it)

Of a server without TLS, it prints no TLSA records.

adotd keys tsig makes a key of TSIG (RFC 8945) with a random secret, and prints it to paste into the configurations of adotd, BIND,
Knot and NSD, and for the option -y of dig. With --config, it prints the key NAME of that configuration. Whoever has the
output can sign: keep it out of logs.

  --algorithm ALGORITHM  hmac-sha256 (default), hmac-sha384, hmac-sha512, hmac-sha224, hmac-sha1
  --for SERVER           only for adotd, bind, knot, nsd or dig
`,
  options: OPTIONS,
  async run(words) {
    const { values, positionals } = parse('keys', words, OPTIONS);
    if (positionals[0] === 'tsig') return printTsigKey(values, positionals.slice(1));
    for (const name of ['algorithm', 'for'] as const)
      if (values[name] !== undefined)
        throw new UsageError(`adotd keys: --${name}: expected only behind adotd keys tsig NAME`);
    const signed = await signedZone(values, positionals);
    if (signed === undefined && positionals.length > 0)
      throw new UsageError(`adotd keys: unexpected ${positionals[0]}; see adotd keys --help`);
    const base = values.config === undefined ? defaultConfig() : readConfig(values.config);
    const config =
      values.zones === undefined ? base : { ...base, zones: { ...base.zones, folder: values.zones, files: [] } };
    const { tls } = config;
    if (signed !== undefined && !(signed.hasTls && tls.enabled)) return printZone(signed.status, values.json);
    const numbers = values['ds-glue'] === undefined ? undefined : glueNumbers(values['ds-glue']);
    const zones = readZones(config);
    const certificates = await existingCertificates(configuredFiles(tls), {
      folder: values.certs ?? tls.certs_folder,
      names: zones.nameservers,
      hostName: hostname(),
      addresses: config.listen,
    });
    const sets = certificateSets(certificates);
    const port = config.signals.port || config.tls_port || DOT_PORT;
    const servers = describeServers(zones, port, (name) => sets.find(name) ?? sets.fallback);
    const bindings = describeBindings(config, zones, port, values.hints ?? false);
    const named = tls.certificates.length > 0 ? zones.nameservers : [];
    const warnings = [
      ...certificateNotes(certificates, named, new Date()).map(({ message }) => message),
      ...zones.unreadable.map((file) => `zone file ${file} has errors; adotd check lists them`),
      ...servers.flatMap(mismatchWarning),
    ];
    const rdataOf = new Map(bindings.map(({ name, rdata }) => [name, rdata]));
    const glue = numbers && zones.glued.flatMap((zone) => dsGlueLines(zone, (name) => rdataOf.get(name)!, numbers));
    const found = {
      ...asJson(certificates, servers, bindings, warnings),
      ...(signed && { zone: signed.status }),
      ...(glue && { ds_glue: glue }),
    };
    const text =
      (signed === undefined ? '' : zoneKeysText(signed.status)) + asFragment(certificates, servers, bindings, glue);
    process.stdout.write(values.json ? `${JSON.stringify(found, undefined, 2)}\n` : text);
    for (const warning of warnings) process.stderr.write(`adotd keys: warning: ${warning}\n`);
    return zones.unreadable.length > 0 ? Exit.FAILED : Exit.OK;
  },
};

type Values = ReturnType<typeof parse<typeof OPTIONS>>['values'];

/** The zone of `keys zone NAME`, as the server that signs it knows it, and whether that server has TLS. */
async function signedZone(
  { socket, config }: Values,
  words: readonly string[],
): Promise<{ readonly status: DnssecStatus; readonly hasTls: boolean } | undefined> {
  if (words[0] !== 'zone') {
    if (socket !== undefined) throw new UsageError('adotd keys: --socket: expected only behind adotd keys zone NAME');
    return undefined;
  }
  const [, name, extra] = words;
  if (name === undefined || extra !== undefined)
    throw new UsageError(`adotd keys zone: found ${extra ?? 'no name'}, expected the name of one zone`);
  const client = controlClient(await socketOf(socket, config), ANSWER_TIME);
  const status = (await client.json('GET', `/dnssec/${encodeURIComponent(name)}`)) as DnssecStatus;
  const { addresses } = (await client.json('GET', '/status')) as ServerStatus;
  return { status, hasTls: addresses.tls.length > 0 };
}

/** Prints a zone's keys alone: without TLS there is no certificate that a TLSA record could name. */
function printZone(zone: DnssecStatus, isJson: boolean | undefined): number {
  const found = { ...asJson([], [], [], []), zone };
  process.stdout.write(isJson ? `${JSON.stringify(found, undefined, 2)}\n` : zoneKeysText(zone));
  return Exit.OK;
}

function printTsigKey(values: Values, [name, extra]: readonly string[]): number {
  const stray = (['zones', 'certs', 'json', 'hints', 'ds-glue', 'socket'] as const).find(
    (option) => values[option] !== undefined,
  );
  if (stray !== undefined) throw new UsageError(`adotd keys: --${stray}: not with adotd keys tsig`);
  if (name === undefined || extra !== undefined)
    throw new UsageError(
      `adotd keys tsig: found ${extra ?? 'no name'}, expected one name of a key, such as second.example.`,
    );
  process.stdout.write(tsigKeyText(name, { algorithm: values.algorithm, form: values.for, config: values.config }));
  return Exit.OK;
}

function configuredFiles({ certificates }: Config['tls']): CertificateFiles[] {
  return certificates.map(({ cert, key }) => ({ certFile: cert, keyFile: key }));
}

/** An RRset in a zone. */
interface Published {
  readonly file: string;
  readonly rdatas: readonly Uint8Array[];
}

interface Zones {
  /** NS names of all zones, repeated for each zone. */
  readonly nameservers: string[];
  /** TLSA and SVCB RRsets, by owner. */
  readonly tlsa: Map<string, Published>;
  readonly svcb: Map<string, Published>;
  /** For DS records in the parents. */
  readonly glued: GluedZone[];
  /** Files of zones with errors. */
  readonly unreadable: string[];
}

function readZones(config: Config): Zones {
  const zones: Zones = { nameservers: [], tlsa: new Map(), svcb: new Map(), glued: [], unreadable: [] };
  const now = Math.floor(Date.now() / 1000);
  const options = { now, nsec3MaxIterations: config.nsec3_max_iterations };
  for (const zone of zonesOfConfig(config)) {
    const inspect = ({ rrsets, apex }: Loaded): void => {
      if (apex === undefined) return;
      const nameservers = nameserversOf(rrsets, apex);
      zones.nameservers.push(...nameservers);
      zones.glued.push({ apex, nameservers, addressesOf: (name) => addressesOf(rrsets, name) });
      for (const { owner, rdatas } of rrsetsOfType(rrsets, Type.TLSA))
        zones.tlsa.set(owner, { file: zone.file, rdatas });
      for (const { owner, rdatas } of rrsetsOfType(rrsets, Type.SVCB))
        zones.svcb.set(owner, { file: zone.file, rdatas });
    };
    const { errors } = loadZone(zone, options, { inspect });
    if (errors > 0) zones.unreadable.push(zone.file);
  }
  return zones;
}

/** A nameserver of the zones. */
interface NameServer {
  readonly name: string;
  /** How many zones name it. */
  readonly zones: number;
  /** One of the certificates that a client of this name may get: there is one for each kind of key. */
  readonly certificate: Certificate;
  /** Owner of its TLSA records. */
  readonly owner: string;
  /** The record to paste. */
  readonly record: string;
  /** The verdict on the TLSA records in the zones; `none` if there are none. */
  readonly served: TlsaVerdict | 'none';
  /** Zone file with those records. */
  readonly file: string | undefined;
}

function describeServers(
  zones: Zones,
  port: number,
  certificatesOf: (name: string) => CertificateSet<Certificate>,
): NameServer[] {
  const uses = new Map<string, number>();
  for (const name of zones.nameservers) uses.set(name, (uses.get(name) ?? 0) + 1);
  return [...uses].flatMap(([name, count]) => {
    const owner = tlsaOwner(name, port);
    const published = zones.tlsa.get(owner);
    return certificatesOf(name).map((certificate): NameServer => {
      return {
        name,
        zones: count,
        certificate,
        owner,
        record: tlsaRecord(name, certificate, port),
        served: published === undefined ? 'none' : compareTlsa(published.rdatas, certificate),
        file: published?.file,
      };
    });
  });
}

/** The SVCB record of a nameserver. */
interface Binding {
  readonly name: string;
  readonly rdata: Uint8Array;
  /** The record to paste. */
  readonly record: string;
  /** Whether the zones have it: `mismatch`, they have others. */
  readonly served: 'match' | 'mismatch' | 'none';
}

function describeBindings(config: Config, zones: Zones, port: number, withHints: boolean): Binding[] {
  const names = [...new Set(zones.nameservers)];
  const hints = withHints ? readAddresses(config, names) : new Map<string, Addresses>();
  return names.map((name) => {
    const service = { port, shares: configuredShares(config.signals), ...(hints.get(name) ?? { ipv4: [], ipv6: [] }) };
    const rdata = svcbRdata(name, service);
    const published = zones.svcb.get(svcbOwner(name));
    const isThere = published?.rdatas.some((one) => Buffer.compare(one, rdata) === 0);
    const served = published === undefined ? 'none' : isThere ? 'match' : 'mismatch';
    return { name, rdata, record: svcbRecord(name, service), served };
  });
}

type Addresses = ReturnType<typeof addressesOf>;

/** The addresses that the zones have for names. The zones are read a second time: only now all names are known. */
function readAddresses(config: Config, names: readonly string[]): Map<string, Addresses> {
  const found = new Map<string, Addresses>();
  const inspect = ({ rrsets }: Loaded): void => {
    for (const name of names) {
      const addresses = addressesOf(rrsets, nameFromText(name));
      if (addresses.ipv4.length + addresses.ipv6.length > 0) found.set(name, addresses);
    }
  };
  for (const zone of zonesOfConfig(config)) loadZone(zone, { now: Math.floor(Date.now() / 1000) }, { inspect });
  return found;
}

function mismatchWarning({ owner, served, file, certificate }: NameServer): string[] {
  if (served !== 'mismatch') return [];
  const what = `the TLSA records of ${owner} in ${file} do not match certificate ${certificate.certFile}`;
  return [`${what}, which is ${certificate.tlsa}`];
}

/** A fragment of a zone file, with comments. */
function asFragment(
  certificates: readonly Certificate[],
  servers: readonly NameServer[],
  bindings: readonly Binding[],
  glue: readonly string[] = [],
): string {
  const lines = certificates.flatMap(({ certFile, keyFile, subject, names, notBefore, notAfter, pin, tlsa }) => [
    `; certificate ${certFile}, key ${keyFile}`,
    `;   subject  ${subject || '(none)'}`,
    `;   names    ${names.join(', ') || '(none)'}`,
    `;   valid    ${notBefore.toISOString()} to ${notAfter.toISOString()}`,
    `;   pin      ${pin}`,
    `;   TLSA     ${tlsa}`,
  ]);
  const note = { none: '', match: ' ; is served', mismatch: ' ; what is served does not match', unusable: '' } as const;
  const records = [...servers, ...bindings].map(({ record, served }) => record + note[served]);
  const parents = glue.length === 0 ? [] : ['; DS glue, for the parents of the zones', ...glue];
  return `${[...lines, ...records, ...parents].join('\n')}\n`;
}

function asJson(
  certificates: readonly Certificate[],
  servers: readonly NameServer[],
  bindings: readonly Binding[],
  warnings: readonly string[],
) {
  return {
    certificates: certificates.map((certificate) => ({
      cert: certificate.certFile,
      key: certificate.keyFile,
      subject: certificate.subject,
      names: certificate.names,
      not_before: certificate.notBefore,
      not_after: certificate.notAfter,
      pin: certificate.pin,
      tlsa: certificate.tlsa,
    })),
    nameservers: servers.map(({ name, zones, record, served, certificate }) => ({
      name,
      zones,
      certificate: certificate.certFile,
      record,
      served,
    })),
    service_bindings: bindings.map(({ name, record, served }) => ({ name, record, served })),
    warnings,
  };
}
