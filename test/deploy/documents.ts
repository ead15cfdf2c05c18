/** The documents about deployment, and the blocks of commands and configuration in them. */
import { textOf } from '../repository/files.js';

export const DOCUMENTS = ['deployment.md', 'certificates.md'] as const;
export type Document = (typeof DOCUMENTS)[number];

/** All blocks of a document, by their language and name (`sh systemd`). */
export function blocksOf(
  document: Document,
): { readonly language: string; readonly name: string; readonly text: string }[] {
  const blocks = textOf(`docs/${document}`).matchAll(/^```([a-z]+) ?([a-z-]*)\n(.*?)^```$/gms);
  return [...blocks].map(([, language = '', name = '', text = '']) => ({ language, name, text }));
}

/** The commands of the one block of that name. Throws when there is no such block. */
export function blockOf(document: Document, name: string): string {
  const [block, ...others] = blocksOf(document).filter((candidate) => candidate.name === name);
  if (block === undefined || others.length > 0) throw new Error(`docs/${document}: not one block named ${name}`);
  return block.text;
}
