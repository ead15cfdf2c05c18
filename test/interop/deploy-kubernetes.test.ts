/** The manifests of deploy/kubernetes as kubectl renders them, and a pod that is run as they say. */
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Certificate } from '@kubernetes-models/cert-manager/cert-manager.io/v1';
import type { IDeployment } from 'kubernetes-models/apps/v1';
import type { INetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import type { IPodDisruptionBudget } from 'kubernetes-models/policy/v1';
import type { IConfigMap, IService } from 'kubernetes-models/v1';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { parseConfig } from '../../src/config/load.js';
import { imageSteps, stagesOf, wordsOf } from '../deploy/dockerfile.js';
import { type Manifest, mistakes } from '../deploy/manifest.js';
import { textOf } from '../repository/files.js';
import { ROOT } from '../support/cli.js';
import { inContainer, missingHere } from './deploy-container.js';
import { missingPrograms } from './support.js';

const missing = missingPrograms({ kubectl: 'kubernetes-client' });
const FOLDER = join(ROOT, 'deploy', 'kubernetes');

function render(folder: string): Manifest[] {
  const text = execFileSync('kubectl', ['kustomize', folder], { encoding: 'utf8', timeout: 60_000 });
  return parseAllDocuments(text).map((document): Manifest => document.toJS());
}

describe.skipIf(missing !== '')(`the manifests ${missing}`, () => {
  let manifests: Manifest[];
  let deployment: IDeployment;
  let service: IService;
  beforeAll(() => {
    manifests = render(FOLDER);
    deployment = one('Deployment');
    service = one('Service');
  });
  /** The only manifest of a kind, or the one with this name. */
  function one<T>(kind: string, name?: string): T {
    const found = manifests.filter((manifest) => {
      const { metadata } = manifest as { metadata?: { name?: string } };
      return manifest.kind === kind && (name === undefined || metadata?.name === name);
    });
    expect(found).toHaveLength(1);
    return found[0] as T;
  }
  const pod = () => deployment.spec?.template.spec;
  const container = () => pod()?.containers[0];
  const config = () =>
    parseConfig(one<IConfigMap>('ConfigMap', 'adotd-config').data?.['adotd.yaml'] ?? '', 'adotd.yaml');

  it('are rendered, and fit the schemas of Kubernetes', () => {
    expect(manifests.map(({ kind }) => kind).sort()).toEqual(
      ['ConfigMap', 'ConfigMap', 'Deployment', 'Namespace', 'NetworkPolicy', 'PodDisruptionBudget', 'Service'].sort(),
    );
    expect(manifests.flatMap(mistakes)).toEqual([]);
  });

  it('are all in one namespace, which keeps what they need to the restricted kind', () => {
    const names = manifests.map((manifest) => (manifest as { metadata?: { namespace?: string } }).metadata?.namespace);
    expect(names.filter((name) => name !== 'adotd')).toEqual([undefined]);
    expect(one<Manifest>('Namespace')).toMatchObject({
      metadata: { name: 'adotd', labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
    });
    expect(pod()?.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
    expect(container()?.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });

  it('run as the user of the image', () => {
    expect(wordsOf(imageSteps(stagesOf(textOf('deploy/docker/Dockerfile'))), 'USER')).toEqual([
      `${pod()?.securityContext?.runAsUser}:${pod()?.securityContext?.runAsGroup}`,
    ]);
  });

  it('lead from the ports of the service to those of the configuration', () => {
    const { port, tls_port: tlsPort, metrics } = config();
    const ports = container()?.ports ?? [];
    const ofTarget = (name: unknown): unknown => {
      const found = ports.find((candidate) => candidate.name === name);
      return `${found?.containerPort}/${found?.protocol}`;
    };
    expect(service.spec?.ports?.map((p) => `${p.port}/${p.protocol} → ${ofTarget(p.targetPort)}`)).toEqual([
      `53/UDP → ${port}/UDP`,
      `53/TCP → ${port}/TCP`,
      `853/TCP → ${tlsPort}/TCP`,
    ]);
    expect(metrics.listen).toBe(`0.0.0.0:${ports.find(({ name }) => name === 'metrics')?.containerPort}`);
    expect(Math.min(port, tlsPort)).toBeGreaterThanOrEqual(1024);
  });

  it('probe and admit ports that there are', () => {
    const names = container()?.ports?.map(({ name }) => name) ?? [];
    const { livenessProbe, readinessProbe } = container() ?? {};
    expect([livenessProbe, readinessProbe].map((probe) => probe?.httpGet)).toEqual([
      { path: '/healthz', port: 'metrics' },
      { path: '/readyz', port: 'metrics' },
    ]);
    const { ingress, egress } = one<INetworkPolicy>('NetworkPolicy').spec ?? {};
    expect(ingress?.flatMap(({ ports }) => ports?.map(({ port }) => port)).sort()).toEqual([...names].sort());
    expect(
      ingress?.filter(({ from }) => from === undefined).flatMap(({ ports }) => ports?.map(({ port }) => port)),
    ).toEqual(names.filter((name) => name !== 'metrics'));
    expect(egress).toEqual([]);
  });

  it('select the pods of the deployment', () => {
    const labels = deployment.spec?.template.metadata?.labels;
    expect(labels).toEqual({ 'app.kubernetes.io/name': 'adotd' });
    const selectors = [
      deployment.spec?.selector.matchLabels,
      service.spec?.selector,
      one<INetworkPolicy>('NetworkPolicy').spec?.podSelector?.matchLabels,
      one<IPodDisruptionBudget>('PodDisruptionBudget').spec?.selector?.matchLabels,
      ...(pod()?.topologySpreadConstraints ?? []).map(({ labelSelector }) => labelSelector?.matchLabels),
    ];
    expect(selectors).toEqual(Array.from({ length: 6 }, () => labels));
  });

  it('mount what the configuration reads, whole folders, so that changes are seen', () => {
    const mounts = new Map((container()?.volumeMounts ?? []).map((mount) => [mount.mountPath, mount]));
    expect([...mounts.values()].filter(({ subPath }) => subPath !== undefined)).toEqual([]);
    const sourceOf = (path: string): unknown => pod()?.volumes?.find(({ name }) => name === mounts.get(path)?.name);
    const { zones, tls } = config();
    expect(sourceOf(zones.folder ?? '')).toMatchObject({ configMap: { name: 'adotd-zones' } });
    expect(tls.certificates).toEqual([{ cert: '/etc/adotd/tls/tls.crt', key: '/etc/adotd/tls/tls.key' }]);
    expect(sourceOf('/etc/adotd/tls')).toMatchObject({ secret: { secretName: 'adotd-tls', defaultMode: 0o440 } });
    expect(container()?.args?.at(-1)).toBe('/etc/adotd/config/adotd.yaml');
    expect(sourceOf('/etc/adotd/config')).toMatchObject({ configMap: { name: 'adotd-config' } });
    const runtime = container()?.env?.find(({ name }) => name === 'RUNTIME_DIRECTORY')?.value ?? '';
    expect(sourceOf(runtime)).toMatchObject({ emptyDir: { medium: 'Memory' } });
  });

  it('leave time for the wait before SIGTERM and the longest drain', () => {
    const [, , script = ''] = container()?.lifecycle?.preStop?.exec?.command ?? [];
    const wait = Number(/setTimeout\(\(\) => \{\}, ([0-9_]+)\)/.exec(script)?.[1]?.replace('_', '')) / 1000;
    expect(wait).toBeGreaterThan(0);
    expect(pod()?.terminationGracePeriodSeconds).toBeGreaterThan(wait + 60);
  });

  it('name the version that this is', () => {
    const { version } = JSON.parse(textOf('package.json')) as { version: string };
    expect(container()?.image).toMatch(new RegExp(`/adotd:${version.replaceAll('.', '\\.')}$`));
  });

  it('have a certificate that cert-manager writes where they read it', () => {
    const [certificate, ...others] = render(join(FOLDER, 'certificate'));
    expect(others).toEqual([]);
    expect(certificate && mistakes(certificate)).toEqual([]);
    expect(Certificate.is(certificate)).toBe(true);
    expect(certificate).toMatchObject({
      metadata: { namespace: 'adotd' },
      spec: { secretName: 'adotd-tls', privateKey: { rotationPolicy: 'Never' } },
    });
  });
});

const noPod =
  missing ||
  missingHere(['systemd-nspawn', 'setpriv', 'ip', 'openssl'], 'systemd-container util-linux iproute2 openssl');

describe.skipIf(noPod !== '')(`a pod ${noPod}`, () => {
  let folder: string;
  let findings: (name: string) => Promise<string>;

  /** A volume as the kubelet writes it: the files are in a folder that a link leads to, which is replaced as a whole. */
  async function volume(name: string, files: Readonly<Record<string, string>>, generation = 1): Promise<string> {
    const path = join(folder, name);
    await mkdir(join(path, `..generation_${generation}`), { recursive: true });
    for (const [file, text] of Object.entries(files)) {
      await writeFile(join(path, `..generation_${generation}`, file), text);
      if (generation === 1) await symlink(join('..data', file), join(path, file));
    }
    if (generation === 1) await symlink('..generation_1', join(path, '..data'));
    return path;
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'adotd-pod-'));
    const manifests = render(FOLDER);
    const data = (name: string): Record<string, string> => {
      const found = manifests.find((manifest) => {
        const { metadata } = manifest as { metadata?: { name?: string } };
        return manifest.kind === 'ConfigMap' && metadata?.name === name;
      }) as IConfigMap | undefined;
      return found?.data ?? {};
    };
    const deployment = manifests.find(({ kind }) => kind === 'Deployment') as IDeployment | undefined;
    const pod = deployment?.spec?.template.spec;
    const container = pod?.containers[0];
    const [cert, key] = [join(folder, 'crt'), join(folder, 'key')];
    const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
    execFileSync('openssl', [...request, '-subj', '/CN=ns1.example.test', '-keyout', key, '-out', cert], {
      stdio: 'ignore',
    });
    const zones = data('adotd-zones');
    const [zone = ''] = Object.keys(zones);
    const volumes = [
      [await volume('config', data('adotd-config')), '/etc/adotd/config'],
      [await volume('zones', zones), '/etc/adotd/zones'],
      [
        await volume('tls', { 'tls.crt': await readFile(cert, 'utf8'), 'tls.key': await readFile(key, 'utf8') }),
        '/etc/adotd/tls',
      ],
    ];
    await volume('zones', { [zone]: (zones[zone] ?? '').replace('hostmaster 1', 'hostmaster 2') }, 2);
    const out = join(folder, 'out');
    await mkdir(out);
    const lines = (words: readonly string[] = []): string => words.map((word) => `${word}\n`).join('');
    const entry = wordsOf(imageSteps(stagesOf(textOf('deploy/docker/Dockerfile'))), 'ENTRYPOINT');
    await writeFile(join(out, 'serve.words'), lines([...entry, ...(container?.args ?? [])]));
    await writeFile(join(out, 'stop.words'), lines(container?.lifecycle?.preStop?.exec?.command));
    await writeFile(join(out, 'user'), `${pod?.securityContext?.runAsUser}:${pod?.securityContext?.runAsGroup}`);
    const { stdout, stderr } = await inContainer(
      [
        `--bind-ro=${ROOT}:/opt/adotd`,
        // To be written to from outside of the pod only; the script stands for that.
        ...volumes.map(([from, to]) => `--bind=${from}:${to}`),
        `--bind=${out}:/out`,
        `--bind-ro=${fileURLToPath(new URL('deploy_pod.sh', import.meta.url))}:/run.sh`,
      ],
      ['/bin/sh', '/run.sh'],
    );
    findings = async (name) => readFile(join(out, name), 'utf8').catch(() => `no ${name}: ${stdout}${stderr}`);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const soa = (serial: number): string =>
    `ns1.example.test. hostmaster.example.test. ${serial} 7200 3600 1209600 300\n`;

  it('answers over every transport, without any privilege', async () => {
    expect(await findings('serve.out')).toMatch(
      /^ready udp=0\.0\.0\.0:5300,\[::\]:5300 .*tls=0\.0\.0\.0:8853,.* zones=1$/m,
    );
    expect(await findings('answers')).toBe(soa(1).repeat(4));
    expect(await findings('status')).toMatch(/^Uid:(\t65532){4}$/m);
    for (const set of ['CapEff', 'CapBnd'])
      expect(await findings('status')).toMatch(new RegExp(`^${set}:\t0{16}$`, 'm'));
  });

  it('answers from zones that were replaced as the kubelet replaces them', async () => {
    expect(await findings('replaced')).toBe(soa(2));
  });

  it('answers the probes, and Prometheus', async () => {
    expect(await findings('probes')).toBe('200\n200\n200\n');
  });

  it('has a control socket that adotd ctl finds', async () => {
    expect(await findings('control')).toMatch(/^zones +1 served, 0 failed/m);
  });

  it('waits before it ends, and ends with status 0', async () => {
    expect(await findings('stop')).toBe('0\n');
    expect(await findings('answer-while-stopping')).toBe(soa(2));
    expect(await findings('end')).toBe('0\n');
  });
});
