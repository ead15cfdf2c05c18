/** Where cases and their zones are, and how they are read. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse } from 'yaml';
import { type CaseFile, caseFile, expand } from './case.js';
import { expandHashes } from './denial.js';

/** The folder of the sources: programs that run compiled read their data there too. */
const FOLDER = join(process.cwd(), 'test', 'conformance');
const AREAS = ['requests', 'answers', 'edns', 'dnssec'] as const;

/** Path of the file of a zone of test/conformance/zones. */
export function zoneFile(zone: string): string {
  return join(FOLDER, 'zones', `${zone}.zone`);
}

/** Reads a file of cases; what stands for names and signatures is put in full. Throws on what the schema does not know. */
function readCases(path: string): CaseFile {
  const file = caseFile.parse(parse(readFileSync(path, 'utf8')));
  const zone = readFileSync(zoneFile(file.zones[0] ?? ''), 'latin1');
  const whole = (text: string): string => expandHashes(expand(text, file.origin), zone);
  const section = (records: readonly string[] | undefined): string[] | undefined =>
    records && [...new Set(records.flatMap(withSignature).map(whole))];
  const cases = file.cases.map((which) => ({
    ...which,
    query: whole(which.query),
    answer: section(which.answer),
    authority: section(which.authority),
    additional: section(which.additional),
  }));
  return { ...file, cases };
}

/** All files of cases, each with its area and name: `answers/cname`. */
export function allCases(): (CaseFile & { readonly title: string })[] {
  return AREAS.flatMap((area) => {
    const names = readdirSync(join(FOLDER, area)).filter((name) => name.endsWith('.yaml'));
    return names.map((name) => ({
      ...readCases(join(FOLDER, area, name)),
      title: `${area}/${basename(name, '.yaml')}`,
    }));
  });
}

/** `… +sig` at the end of a record stands for the signature over its RRset as well. */
function withSignature(text: string): string[] {
  const record = text.replace(/ \+sig$/, '');
  const [owner, ttl, type] = record.split(' ');
  return record === text ? [text] : [record, `${owner} ${ttl} RRSIG ${type} …`];
}
