/** The files of the page: HTML, a script, a style and an icon, which the build has put beside the bundles. */
import { readFileSync } from 'node:fs';
import { AdotdError, ErrorCode, systemReason } from '../../errors.js';

/** Their folder in the package. */
export const PAGE_FOLDER = new URL('../../page/', import.meta.url);

interface PageFile {
  readonly type: string;
  readonly octets: Buffer;
}

/** By the path that is asked for: the name of the file, and its type. */
const FILES: Readonly<Record<string, readonly [name: string, type: string]>> = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/page/page.js': ['page.js', 'text/javascript; charset=utf-8'],
  '/page/page.css': ['page.css', 'text/css; charset=utf-8'],
  '/page/icon.svg': ['icon.svg', 'image/svg+xml'],
};

export const FILE_PATHS = Object.keys(FILES);

/** Reads each file once, when it is asked for first. */
export class PageFiles {
  readonly #folder: URL;
  readonly #read = new Map<string, PageFile>();

  constructor(folder: URL) {
    this.#folder = folder;
  }

  /** undefined: there is no such path. Throws ADOTD_FILE when the file cannot be read. */
  get(path: string): PageFile | undefined {
    const known = this.#read.get(path);
    if (known !== undefined || !Object.hasOwn(FILES, path)) return known;
    const [name, type] = FILES[path]!;
    const file = { type, octets: this.#octets(name) };
    this.#read.set(path, file);
    return file;
  }

  #octets(name: string): Buffer {
    try {
      return readFileSync(new URL(name, this.#folder));
    } catch (error) {
      const where = new URL(name, this.#folder).pathname;
      throw new AdotdError(ErrorCode.FILE, `${where}: a file of the page: ${systemReason(error)}`, { cause: error });
    }
  }
}
