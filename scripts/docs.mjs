// npm run docs: writes the tables of docs/configuration.md, docs/metrics.md and the man pages, from the schema of the
// configuration, the table of metrics and the help texts.
import { readFileSync, writeFileSync } from 'node:fs';
import { withReferenceTables } from '../build/config/reference.js';
import { metricsMarkdown } from '../build/observe/metrics/metrics-reference.js';
import { commandPage, configurationPage } from './man.mjs';

const docs = new URL('../docs/', import.meta.url);
const configuration = new URL('configuration.md', docs);
writeFileSync(configuration, withReferenceTables(readFileSync(configuration, 'utf8')));
writeFileSync(new URL('metrics.md', docs), metricsMarkdown());
writeFileSync(new URL('adotd.1', docs), await commandPage());
writeFileSync(new URL('adotd.yaml.5', docs), configurationPage());
