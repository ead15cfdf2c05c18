/** Judges manifests by the schemas of Kubernetes and cert-manager that npm packages bring. */
import { Certificate } from '@kubernetes-models/cert-manager/cert-manager.io/v1';
import { Deployment } from 'kubernetes-models/apps/v1';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1';
import { ConfigMap, Namespace, Service } from 'kubernetes-models/v1';

/** Any value in YAML. */
type Value = string | number | boolean | null | Value[] | { [key: string]: Value };

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly [key: string]: Value;
}

/** Makes a resource of each kind; its validate() throws an error that names its mistakes. */
const KINDS: Readonly<Record<string, (manifest: object) => { validate(): void }>> = {
  'apps/v1 Deployment': (manifest) => new Deployment(manifest as ConstructorParameters<typeof Deployment>[0]),
  'cert-manager.io/v1 Certificate': (manifest) =>
    new Certificate(manifest as ConstructorParameters<typeof Certificate>[0]),
  'networking.k8s.io/v1 NetworkPolicy': (manifest) => new NetworkPolicy(manifest),
  'policy/v1 PodDisruptionBudget': (manifest) => new PodDisruptionBudget(manifest),
  'v1 ConfigMap': (manifest) => new ConfigMap(manifest),
  'v1 Namespace': (manifest) => new Namespace(manifest),
  'v1 Service': (manifest) => new Service(manifest),
};

/** The mistakes of a manifest, a line each; a field that its kind does not have is one too. */
export function mistakes(manifest: Manifest): string[] {
  const make = KINDS[`${manifest.apiVersion} ${manifest.kind}`];
  if (make === undefined) return [`no schema of ${manifest.apiVersion} ${manifest.kind}`];
  const wrong = complaint(make, manifest);
  if (wrong !== undefined) return [wrong];
  return paths(manifest)
    .filter((path) => complaint(make, spoiled(manifest, path)) === undefined)
    .map((path) => `no field of ${manifest.kind}: ${path.join('.')}`);
}

function complaint(make: (manifest: object) => { validate(): void }, manifest: object): string | undefined {
  try {
    make(manifest).validate();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The paths of all its values. */
function paths(value: Value): string[][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, below]) => [[key], ...paths(below).map((path) => [key, ...path])]);
}

/**
 * A copy with a value at one place that no type allows. The schemas let unknown fields pass: if one accepts this value, it does
 * not know the field.
 */
function spoiled(manifest: Manifest, path: readonly string[]): object {
  const copy: object = structuredClone(manifest);
  const owner = path.slice(0, -1).reduce<object>((at, key) => Reflect.get(at, key), copy);
  Reflect.set(owner, path.at(-1) ?? '', Symbol('no value'));
  return copy;
}
