/**
 * The image without Docker: the steps of the Dockerfile are done in plain folders, and the result runs in a container as the image's
 * user, without access to the repository. Needs the package registry.
 */
import { spawnSync } from 'node:child_process';
import { chown, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reachesBuilder, type Step, stagesOf, wordsOf } from '../deploy/dockerfile.js';
import { ROOT } from '../support/cli.js';
import { inContainer, missingHere } from './deploy-container.js';

const missing = missingHere(['systemd-nspawn', 'setpriv', 'ip'], 'systemd-container util-linux iproute2');
const FOLDER = join(ROOT, 'deploy', 'docker');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'adotd-image-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Image {
  /** The folder that is its `/`. */
  readonly root: string;
  /** The steps of its base image, then its own. */
  readonly steps: readonly Step[];
}

/** Does the steps of all stages; returns the image of each by its name. The last one has no name: ''. */
async function build(): Promise<Map<string, Image>> {
  const ignore = await readFile(join(FOLDER, 'Dockerfile.dockerignore'), 'utf8');
  const images = new Map<string, Image>();
  for (const [index, { base, name, steps }] of stagesOf(await readFile(join(FOLDER, 'Dockerfile'), 'utf8')).entries()) {
    const root = join(folder, `stage-${index}`);
    const under = images.get(base);
    if (under === undefined) await mkdir(root);
    else await cp(under.root, root, { recursive: true });
    const all = [...(under?.steps ?? []), ...steps];
    images.set(name ?? '', { root, steps: all });
    let workdir = wordsOf(under?.steps ?? [], 'WORKDIR')[0] ?? '/';
    for (const step of steps) {
      if (step.keyword === 'WORKDIR') workdir = step.words[0] ?? '';
      await mkdir(join(root, workdir), { recursive: true });
      if (step.keyword === 'RUN') runStep(step, join(root, workdir));
      if (step.keyword === 'COPY') {
        const source = step.flags.from === undefined ? undefined : (images.get(step.flags.from)?.root ?? '');
        await copyStep(step, source, root, workdir, ignore);
      }
    }
  }
  return images;
}

function runStep({ words }: Step, cwd: string): void {
  const [program = '', ...rest] = words;
  const { status, stdout, stderr } = spawnSync(program, rest, { cwd, encoding: 'utf8', timeout: 180_000 });
  if (status !== 0) throw new Error(`RUN ${words.join(' ')}: ${stdout}${stderr}`);
}

/** COPY, from the context unless there is a stage. */
async function copyStep(
  { words, flags }: Step,
  stage: string | undefined,
  root: string,
  workdir: string,
  ignore: string,
): Promise<void> {
  const target = words.at(-1) ?? '';
  const path = target.startsWith('/') ? join(root, target) : join(root, workdir, target);
  for (const source of words.slice(0, -1)) {
    if (stage === undefined && !reachesBuilder(ignore, source)) throw new Error(`COPY ${source}: ignored`);
    const to = target.endsWith('/') ? join(path, basename(source)) : path;
    await cp(join(stage ?? ROOT, source), to, { recursive: true });
    const [uid, gid] = (flags.chown ?? '0:0').split(':').map(Number);
    if (flags.chown === undefined) continue;
    for (const entry of ['', ...(await readdir(to, { recursive: true }))])
      await chown(join(to, entry), uid ?? 0, gid ?? 0);
  }
}

describe.skipIf(missing !== '')(`the image's contents ${missing}`, () => {
  let image: Image;
  let tester: Image;
  let findings: (name: string) => Promise<string>;
  beforeAll(async () => {
    const images = await build();
    image = images.get('') ?? { root: '', steps: [] };
    tester = images.get('fixture') ?? image;
    const out = join(folder, 'out');
    await mkdir(out);
    const zones = join(folder, 'zones');
    await mkdir(zones);
    await writeFile(
      join(zones, 'example.test.zone'),
      '@ 60 SOA ns1 host 1 2h 1h 2w 5m\n@ 60 NS ns1\nns1 60 A 127.0.0.1\n',
    );
    const { root } = image;
    const of = (keyword: string): readonly string[] => wordsOf(image.steps, keyword);
    // In files, so that no shell reads them.
    const lines = (words: readonly string[]): string => words.map((word) => `${word}\n`).join('');
    await writeFile(join(out, 'serve.words'), lines([...of('ENTRYPOINT'), ...of('CMD')]));
    await writeFile(join(out, 'fixture.words'), lines([...of('ENTRYPOINT'), ...wordsOf(tester.steps, 'CMD')]));
    await writeFile(join(out, 'health.words'), lines(of('HEALTHCHECK')));
    await writeFile(join(out, 'user'), of('USER')[0] ?? '');
    const { stdout, stderr } = await inContainer(
      [
        `--bind-ro=${join(root, 'opt/adotd')}:/opt/adotd`,
        `--bind-ro=${join(root, 'etc/adotd')}:/etc/adotd`,
        `--bind-ro=${zones}:/etc/adotd/zones`,
        `--bind-ro=${zones}:/zones`,
        `--bind=${join(root, 'var/lib/adotd')}:/var/lib/adotd`,
        `--bind=${join(root, 'run/adotd')}:/run/adotd`,
        ...of('ENV').map((variable) => `--setenv=${variable}`),
        `--bind=${out}:/out`,
        `--bind-ro=${fileURLToPath(new URL('deploy_image.sh', import.meta.url))}:/run.sh`,
      ],
      ['/bin/sh', '/run.sh'],
    );
    findings = async (name) => readFile(join(out, name), 'utf8').catch(() => `no ${name}: ${stdout}${stderr}`);
  });

  it('are no more than what is needed to run', async () => {
    expect((await readdir(join(image.root, 'opt/adotd'))).sort()).toEqual([
      'LICENSE',
      'dist',
      'node_modules',
      'package.json',
    ]);
    const modules = await readdir(join(image.root, 'opt/adotd/node_modules'));
    expect(modules).toEqual(expect.arrayContaining(['koffi', 'pino', 'selfsigned', 'zod']));
    for (const name of ['typescript', 'vitest', 'kubernetes-models']) expect(modules).not.toContain(name);
  });

  it('serve with threads, on the privileged ports, without being root', async () => {
    expect(await findings('serve.out')).toMatch(
      /^ready udp=0\.0\.0\.0:53,\[::\]:53 tcp=.*tls=0\.0\.0\.0:853,.* zones=1$/m,
    );
    expect(await findings('serve.log')).toContain('queries are answered by threads');
    expect(await findings('status')).toMatch(/^Uid:(\t65532){4}$/m);
    expect(await findings('status')).toMatch(/^CapEff:\t0{16}$/m);
    expect(await findings('answer')).toBe('ns1.example.test. host.example.test. 1 7200 3600 1209600 300\n');
  });

  it('are healthy while they serve, and only then', async () => {
    expect(await findings('health-serving')).toBe('0\n');
    expect(await findings('health-stopped')).toMatch(/^[1-9][0-9]*\n$/);
  });

  it('can be asked through the control socket', async () => {
    expect(await findings('control')).toMatch(/^zones +1 served, 0 failed/m);
  });

  it('are a server for tests in the other image, for as long as its standard input is open', async () => {
    expect(await readdir(join(tester.root, 'zones'))).toEqual([]);
    expect(JSON.parse(await findings('fixture.out'))).toMatchObject({
      address: '127.0.0.1',
      udp: 53,
      tcp: 53,
      tls: 853,
    });
    expect(await findings('fixture.answer')).toBe('ns1.example.test. host.example.test. 1 7200 3600 1209600 300\n');
    expect(await findings('fixture.end')).toBe('0\n');
  });

  it('end with status 0 at SIGTERM', async () => {
    expect(await findings('end')).toBe('0\n');
  });
});
