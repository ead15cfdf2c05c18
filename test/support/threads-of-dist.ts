/** A plugin for vitest: threads run programs of dist/, as those of the package do, since they cannot run TypeScript. */
import { relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Plugin } from 'vitest/config';

const ROOT = resolve(import.meta.dirname, '../..');

/** Measured: a thread of a fixture starts with 0.3 s of CPU; with the modules of build/, which are not bundled, it needs 0.9 s. */
export const threadsOfDist: Plugin = {
  name: 'threads-of-dist',
  enforce: 'pre',
  transform: {
    filter: { id: /[\\/]src[\\/](server[\\/]thread-programs|fixture[\\/]thread[\\/]fixture-thread)\.ts$/ },
    handler(code, path) {
      const place = resolve(ROOT, 'dist', relative(resolve(ROOT, 'src'), path));
      return code.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(place).href));
    },
  },
};
