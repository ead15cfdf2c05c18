/** Chromium, for tests of the page: what it shows, what it asks for, what it complains of, and pictures of it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { ROOT } from '../support/cli.js';
import { PATIENCE } from '../support/patience.js';

/** Where the pictures of the documents are; `ADOTD_SCREENS=write` writes them. */
const SCREENS = join(ROOT, 'docs/screens');
/** Octets of a picture. */
const MAX_PICTURE = 150_000;
/** Pixels of a picture from top to bottom. */
const MAX_HEIGHT = 1250;

export async function openBrowser(): Promise<Browser> {
  // Root has no sandbox; there is nothing but our own page in it.
  return chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] });
}

export interface Opened extends AsyncDisposable {
  readonly page: Page;
  /** Lines of the console but those of information, errors of scripts, and requests to others or that failed. */
  readonly complaints: string[];
  /** The cells of a table by its caption: the texts of a row by its first cell. */
  table(caption: string): Promise<Readonly<Record<string, readonly string[]>>>;
  /** A picture of the page, or of an element, as WebP. Returns its octets; NaN: they are too many. */
  picture(name: string, selector?: string): Promise<number>;
}

export async function openPage(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Opened> {
  const context = await browser.newContext({ timezoneId: 'UTC', locale: 'en-GB', ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() !== 'info' && message.type() !== 'log') complaints.push(`${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(url)) complaints.push(`request: ${request.url()}`);
  });
  await page.goto(url);
  return {
    page,
    complaints,
    async table(caption) {
      const rows = (await page.evaluate(`(() => {
        const table = [...document.querySelectorAll('table')].find((one) => one.caption.textContent === ${JSON.stringify(caption)});
        return [...table.tBodies[0].rows].map((row) => [...row.cells].map((cell) => cell.textContent));
      })()`)) as string[][];
      return Object.fromEntries(rows.map(([first = '', ...cells]) => [first, cells]));
    },
    async picture(name, selector = 'html') {
      const [x = 0, y = 0, width = 0, height = 0] = (await page.evaluate(`(() => {
        const { left, top, width, height } = document.querySelector(${JSON.stringify(selector)}).getBoundingClientRect();
        return [left + scrollX, top + scrollY, width, height];
      })()`)) as number[];
      const clip = { x, y, width, height: Math.min(height, MAX_HEIGHT), scale: 1 };
      const session = await context.newCDPSession(page);
      const { data } = await session.send('Page.captureScreenshot', {
        format: 'webp',
        quality: 80,
        clip,
        captureBeyondViewport: true,
      });
      const octets = Buffer.from(data, 'base64');
      if (process.env.ADOTD_SCREENS === 'write') {
        mkdirSync(SCREENS, { recursive: true });
        writeFileSync(join(SCREENS, `${name}.webp`), octets);
      }
      return octets.length < MAX_PICTURE ? octets.length : Number.NaN;
    },
    [Symbol.asyncDispose]: () => context.close(),
  };
}
