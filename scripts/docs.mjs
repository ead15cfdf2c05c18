// Writes anew what is made from tables: the configuration reference of README.md, between its markers, and docs/metrics.md:
// npm run docs
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { referenceMarkdown } from '../build/config/reference.js';
import { metricsMarkdown } from '../build/observe/metrics/metrics-reference.js';
import { commandPage, configurationPage } from './man.mjs';

const path = new URL('../README.md', import.meta.url);
const begin = '<!-- configuration reference: written by npm run docs -->\n';
const end = '<!-- end of the configuration reference -->';
const text = readFileSync(path, 'utf8');
const from = text.indexOf(begin);
const to = text.indexOf(end);
if (from < 0 || to < from) throw new Error('README.md lacks the markers of the configuration reference');
writeFileSync(path, `${text.slice(0, from + begin.length)}\n${referenceMarkdown()}\n${text.slice(to)}`);

const docs = new URL('../docs/', import.meta.url);
mkdirSync(docs, { recursive: true });
writeFileSync(new URL('metrics.md', docs), metricsMarkdown());
writeFileSync(new URL('adotd.1', docs), await commandPage());
writeFileSync(new URL('adotd.yaml.5', docs), configurationPage());
