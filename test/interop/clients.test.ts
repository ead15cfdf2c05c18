import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adotdServe, ROOT, type Serving } from '../support/cli.js';
import { PATIENCE } from '../support/patience.js';

/** Says which of the clients are not installed, and how to get them; with CI=true that is an error. */
function missingClients(names: readonly string[]): string {
  const absent = names.filter((name) => spawnSync(name, ['-v'], { stdio: 'ignore' }).error !== undefined);
  if (absent.length === 0) return '';
  const text = `not installed: ${absent.join(', ')}; Debian packages bind9-dnsutils, knot-dnsutils, ldnsutils`;
  if (process.env.CI === 'true') throw new Error(text);
  return text;
}

/** A client's output for one answer, in the same form for all three clients. */
interface Printed {
  readonly rcode: string;
  /** Lower case, in the client's order. */
  readonly flags: readonly string[];
  /** `owner TTL class type RDATA`, blanks reduced, of answer, authority and additional section. */
  readonly sections: Readonly<Record<'ANSWER' | 'AUTHORITY' | 'ADDITIONAL', readonly string[]>>;
  readonly text: string;
}

interface Question {
  readonly name: string;
  readonly type?: string;
  readonly tcp?: boolean;
  readonly dnssec?: boolean;
  readonly server: { readonly address: string; readonly port: number };
}

/** dig's words, which are kdig's too. */
const digWords = ({ name, type, tcp, dnssec, server }: Question): string[] => [
  '+norec',
  '+time=30',
  tcp ? '+tcp' : '+notcp',
  ...(dnssec ? ['+dnssec'] : []),
  `@${server.address}`,
  '-p',
  String(server.port),
  name,
  type ?? 'A',
];

/** How each client wants its question. */
const CLIENTS: Readonly<Record<string, (question: Question) => string[]>> = {
  dig: (question) => ['+tries=1', ...digWords(question)],
  kdig: (question) => ['+retry=0', ...digWords(question)],
  drill: ({ name, type, tcp, dnssec, server }) => [
    '-o',
    'rd',
    ...(tcp ? ['-t'] : ['-u']),
    ...(dnssec ? ['-D'] : []),
    '-p',
    String(server.port),
    name,
    type ?? 'A',
    `@${server.address}`,
  ],
};

function ask(client: string, question: Question): Printed {
  const words = CLIENTS[client]?.(question) ?? [];
  const { status, stdout, stderr } = spawnSync(client, words, { encoding: 'utf8', timeout: PATIENCE });
  if (status !== 0) throw new Error(`${client} ${words.join(' ')}: status ${status}: ${stdout}${stderr}`);
  const section = (name: string): string[] => {
    const body = new RegExp(`^;; ${name} SECTION:\n((?:[^;\n].*\n)*)`, 'm').exec(stdout)?.[1] ?? '';
    return body
      .trimEnd()
      .split('\n')
      .flatMap((line) => (line === '' ? [] : [line.replace(/\s+/g, ' ').trim()]));
  };
  return {
    rcode: /(?:status|rcode): ([A-Z]+)/.exec(stdout)?.[1] ?? '',
    flags: (/^;; flags: ([a-z ]*)/im.exec(stdout)?.[1] ?? '').trim().split(' '),
    sections: { ANSWER: section('ANSWER'), AUTHORITY: section('AUTHORITY'), ADDITIONAL: section('ADDITIONAL') },
    text: stdout,
  };
}

const sorted = (lines: readonly string[]): string[] => [...lines].sort();

for (const client of Object.keys(CLIENTS)) {
  const missing = missingClients([client]);
  describe.skipIf(missing !== '')(`${client} reads our answers${missing ? ` (skipped: ${missing})` : ''}`, () => {
    let serving: Serving;
    beforeAll(async () => {
      serving = await adotdServe('--zones', 'zones', '--listen', '127.0.0.1', '--listen', '::1');
    });
    afterAll(() => serving?.stop());

    describe.each([
      ['UDP', false, '127.0.0.1'],
      ['UDP', false, '::1'],
      ['TCP', true, '127.0.0.1'],
      ['TCP', true, '::1'],
    ])('over %s', (_transport, tcp, address) => {
      const query = (name: string, type = 'A', dnssec = false): Printed =>
        ask(client, { name, type, tcp, dnssec, server: { address, port: serving.port } });

      it(`with data and through an alias on ${address}`, () => {
        const { rcode, flags, sections } = query('www.home.test');
        expect([rcode, flags]).toEqual(['NOERROR', ['qr', 'aa']]);
        expect(sections.ANSWER).toEqual(['www.home.test. 3600 IN CNAME home.test.', 'home.test. 3600 IN A 192.0.2.10']);
        expect(sections.AUTHORITY).toEqual([]);
      });

      it(`made by a wildcard on ${address}`, () => {
        expect(query('anything.at.dev.home.test').sections.ANSWER).toEqual([
          'anything.at.dev.home.test. 3600 IN A 192.0.2.30',
        ]);
      });

      it(`that a name or a type is not there on ${address}`, () => {
        const soa = 'home.test. 300 IN SOA ns1.home.test. hostmaster.home.test. 2026112101 14400 900 1209600 300';
        const nxdomain = query('missing.home.test');
        expect([nxdomain.rcode, nxdomain.flags, nxdomain.sections.ANSWER]).toEqual(['NXDOMAIN', ['qr', 'aa'], []]);
        expect(nxdomain.sections.AUTHORITY).toEqual([soa]);
        const nodata = query('nas.home.test', 'AAAA');
        expect([nodata.rcode, nodata.flags, nodata.sections.ANSWER]).toEqual(['NOERROR', ['qr', 'aa'], []]);
        expect(nodata.sections.AUTHORITY).toEqual([soa]);
      });

      it(`that refer to another server, with glue, on ${address}`, () => {
        const { rcode, flags, sections } = query('host.away.parent.test');
        expect([rcode, flags, sections.ANSWER]).toEqual(['NOERROR', ['qr'], []]);
        expect(sorted(sections.AUTHORITY)).toEqual([
          'away.parent.test. 3600 IN NS ns1.away.parent.test.',
          'away.parent.test. 3600 IN NS ns2.away.parent.test.',
        ]);
        expect(sorted(sections.ADDITIONAL)).toEqual([
          'ns1.away.parent.test. 3600 IN A 198.51.100.1',
          'ns1.away.parent.test. 3600 IN AAAA 2001:db8:3::1',
          'ns2.away.parent.test. 3600 IN A 198.51.100.2',
        ]);
      });

      it(`of a child zone, and of the parent that it has no DS, on ${address}`, () => {
        expect(query('www.child.parent.test').sections.ANSWER).toEqual(['www.child.parent.test. 600 IN A 192.0.2.52']);
        const { flags, sections } = query('child.parent.test', 'DS');
        expect([flags, sections.ANSWER]).toEqual([['qr', 'aa'], []]);
        expect(sections.AUTHORITY).toEqual([
          'parent.test. 300 IN SOA ns1.parent.test. hostmaster.parent.test. 2026112101 14400 900 1209600 300',
        ]);
      });

      it(`of a signed parent with the DS of a child on ${address}`, () => {
        const { flags, sections } = query('secure.nsec.test', 'DS', true);
        expect(flags).toEqual(['qr', 'aa']);
        expect(sections.ANSWER.map((line) => line.split(' ')[3])).toEqual(['DS', 'RRSIG']);
      });

      it(`that rewrite a tree on ${address}`, () => {
        expect(query('www.moved.parent.test').sections.ANSWER).toEqual([
          'moved.parent.test. 3600 IN DNAME child.parent.test.',
          'www.moved.parent.test. 3600 IN CNAME www.child.parent.test.',
        ]);
      });

      it(`with signatures and proofs on ${address}`, () => {
        const positive = query('www.nsec.test', 'AAAA', true);
        expect(positive.sections.ANSWER.map((line) => line.split(' ')[3])).toEqual(['AAAA', 'RRSIG']);
        for (const zone of ['nsec', 'nsec3']) {
          const { rcode, sections } = query(`missing.${zone}.test`, 'A', true);
          expect(rcode).toBe('NXDOMAIN');
          const types = sections.AUTHORITY.map((line) => line.split(' ')[3]);
          expect(types.filter((type) => type === 'SOA')).toHaveLength(1);
          expect(types.filter((type) => type === zone.toUpperCase()).length).toBeGreaterThanOrEqual(2);
          expect(types.filter((type) => type === 'RRSIG')).toHaveLength(types.length / 2);
        }
      });

      it(`that we do not serve a name on ${address}`, () => {
        const { rcode, flags } = query('www.example.org');
        expect([rcode, flags]).toEqual(['REFUSED', ['qr']]);
      });

      it(`for addresses backwards, delegated by RFC 2317, on ${address}`, () => {
        expect(query('10.2.0.192.in-addr.arpa', 'PTR').sections.ANSWER).toEqual([
          '10.2.0.192.in-addr.arpa. 3600 IN PTR home.test.',
        ]);
        const { sections } = query('130.2.0.192.in-addr.arpa', 'PTR');
        expect(sections.ANSWER).toEqual(['130.2.0.192.in-addr.arpa. 3600 IN CNAME 130.128/26.2.0.192.in-addr.arpa.']);
        expect(sections.AUTHORITY).toEqual(['128/26.2.0.192.in-addr.arpa. 3600 IN NS ns.tenant.example.']);
      });
    });

    it('asks again over TCP when an answer was truncated', () => {
      const words = CLIENTS[client]?.({
        name: 'nsec3.test',
        type: 'DNSKEY',
        dnssec: true,
        server: { address: '127.0.0.1', port: serving.port },
      });
      const small = client === 'drill' ? ['-b', '512'] : ['+bufsize=512', '+noignore'];
      const plain = (words ?? []).filter((word) => word !== '+notcp' && word !== '-u');
      const { status, stdout } = spawnSync(client, [...small, ...plain], { encoding: 'utf8', timeout: PATIENCE });
      expect(status).toBe(0);
      expect(stdout).toMatch(/RRSIG\s+DNSKEY/);
    });
  });
}

describe.skipIf(missingClients(['dig', 'kdig']) !== '')('sessions of real clients', () => {
  let serving: Serving;
  beforeAll(async () => {
    serving = await adotdServe('--zones', 'zones');
  });
  afterAll(() => serving?.stop());

  it('ask several questions on one connection', () => {
    const names = ['www.home.test', 'nas.home.test', 'www.parent.test', 'www.nsec.test'];
    const dig = ['+tcp', '+keepopen', '+short', '@127.0.0.1', '-p', String(serving.port), ...names];
    expect(spawnSync('dig', dig, { encoding: 'utf8' }).stdout.trim().split('\n')).toEqual([
      'home.test.',
      '192.0.2.10',
      '192.0.2.20',
      '192.0.2.80',
      '192.0.2.80',
    ]);
    const kdig = ['+tcp', '+keepopen', '+short', '@127.0.0.1', '-p', String(serving.port), ...names];
    expect(spawnSync('kdig', kdig, { encoding: 'utf8' }).stdout.trim().split('\n').length).toBeGreaterThanOrEqual(5);
  });

  it('are told how long they may stay (edns-tcp-keepalive), and take our cookie', () => {
    const dig = ['+tcp', '+keepalive', '@127.0.0.1', '-p', String(serving.port), 'www.home.test'];
    const { stdout } = spawnSync('dig', dig, { encoding: 'utf8' });
    expect(stdout).toMatch(/TCP[- ]KEEPALIVE: 10\.0 sec/i);
    expect(stdout).toMatch(/COOKIE: [0-9a-f]{48} \(good\)/);
  });
});

describe('npm start', () => {
  /** Runs `npm start` until it is ready or has ended. */
  async function start(): Promise<{ child: ChildProcess; output: () => string; stderr: () => string }> {
    const child = spawn('npm', ['start'], { cwd: ROOT, detached: true });
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const end = Date.now() + 120_000;
    while (!/^try:\n(.*\n){3}/m.test(stdout) && child.exitCode === null && Date.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return { child, output: () => stdout, stderr: () => stderr };
  }

  it('serves zones/ on port 5300, prints three commands that work, and says clearly that the port is taken', async () => {
    const first = await start();
    try {
      expect(first.output() + first.stderr()).toMatch(
        /^ready udp=127\.0\.0\.1:5300 tcp=127\.0\.0\.1:5300 tls=127\.0\.0\.1:8853 zones=7$/m,
      );
      const commands = first
        .output()
        .split('\n')
        .filter((line) => line.startsWith('  '));
      expect(commands).toHaveLength(3);
      for (const command of commands) {
        const [program = '', ...words] = command.trim().split(' ');
        if (program === 'dig' && missingClients(['dig']) !== '') continue;
        const { stdout } = spawnSync(program, words, { encoding: 'utf8', cwd: ROOT });
        expect(stdout).toMatch(/status: NOERROR/);
      }
      const second = await start();
      if (second.child.exitCode === null) await once(second.child, 'exit');
      expect(second.child.exitCode).toBe(1);
      const said = second
        .stderr()
        .split('\n')
        .filter((line) => line.startsWith('adotd: '));
      expect(said).toEqual([
        'adotd: cannot listen on UDP 127.0.0.1:5300: another program uses this port (EADDRINUSE); ' +
          'stop it, or choose another port with --port or `port` [ADOTD_LISTEN]',
      ]);
    } finally {
      // npm stands between us and the server: the whole group is ended.
      if (first.child.pid !== undefined && first.child.exitCode === null) {
        process.kill(-first.child.pid, 'SIGTERM');
        await once(first.child, 'exit');
      }
    }
  });
});
