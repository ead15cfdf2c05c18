/** The page in Chromium, on real servers: what it says against what clients know that they did, and how it looks. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adotd, adotdServe, MAIN, ROOT, type Serving } from '../support/cli.js';
import { until } from '../support/patience.js';
import { DAY, make } from '../tls/support.js';
import { type Opened, openBrowser, openPage } from './browser.js';
import { dnsperf } from './counted-dnsperf.js';
import { missingPrograms, starttls } from './support.js';

const missing = missingPrograms({
  chromium: 'chromium',
  dnsperf: 'dnsperf',
  kdig: 'knot-dnsutils',
  python3: 'python3',
});
const folder = mkdtempSync(join(tmpdir(), 'adotd-page-'));
const servers: Serving[] = [];
let browser: Browser;
beforeAll(async () => {
  if (!missing) browser = await openBrowser();
});
afterAll(async () => {
  await browser?.close();
  for (const server of servers) await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Paged extends Serving {
  /** Of its page. */
  readonly url: string;
}

async function start(name: string, lines: readonly string[]): Promise<Paged> {
  const file = join(folder, `${name}.yaml`);
  const common = ['listen: [127.0.0.1]', 'hostname: ns1.example.net', 'metrics: { listen: 0 }', 'workers: 1'];
  writeFileSync(file, `${[...common, ...lines].join('\n')}\n`);
  const server = await adotdServe('--config', file);
  servers.push(server);
  const [, where = ''] = /metrics at (http:\/\/[^/]+\/)metrics/.exec(server.stderr()) ?? [];
  return { ...server, url: where };
}

const LOAD = {
  folder,
  queries: ['www.home.test A', 'home.test NS', 'nas.home.test A'],
  options: ['-c', '2', '-Q', '400'],
};

/** `rules`: those of axe; all of them when absent. */
async function expectAccessible({ page }: Opened, rules?: readonly string[]): Promise<void> {
  const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  await page.evaluate(axe);
  const found =
    await page.evaluate(`axe.run(${JSON.stringify(rules === undefined ? {} : { runOnly: rules })}).then(({ violations }) =>
    violations.map(({ id, nodes }) => [id, ...nodes.map(({ html, failureSummary }) => html + ' ' + failureSummary)].join('\\n')))`);
  expect(found).toEqual([]);
}

const DARK = { colorScheme: 'dark' } as const;
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true } as const;

describe.skipIf(missing)(`the page${missing ? ` (skipped: ${missing})` : ''}`, () => {
  it('says what clients did, asks nobody else, has no complaints, and is accessible in light and dark, and on a phone', async () => {
    const server = await start('load', [
      `zones: { folder: ${join(ROOT, 'zones')} }`,
      `tls: { certs_folder: ${join(folder, 'certs')} }`,
      `state: { folder: ${join(folder, 'state')} }`,
      `control: { socket: ${join(folder, 'control.sock')} }`,
    ]);
    await using opened = await openPage(browser, server.url, { viewport: { width: 1180, height: 900 } });
    const { page, complaints } = opened;
    await expect.poll(() => page.locator('#word').textContent()).toBe('serving');
    expect(await page.locator('#parts').textContent()).toMatch(
      /^7 zones · certificate good for 364 d.* · no problems · up /,
    );
    await Promise.all([
      dnsperf('udp', server.port, 3000, LOAD),
      dnsperf('tcp', server.port, 1500, LOAD),
      dnsperf('dot', server.tlsPort, 900, LOAD),
    ]);
    await starttls(server.port, 'www.home.test', 'nas.home.test');
    // It finds another key than it wants, and goes away.
    const pin = `+tls-pin=${Buffer.alloc(32).toString('base64')}`;
    await promisify(execFile)('kdig', [
      '@127.0.0.1',
      '-p',
      String(server.tlsPort),
      pin,
      '+retry=0',
      'www.home.test',
    ]).catch(() => {});
    // The first query of STARTTLS is in the clear.
    const queries = async () =>
      Object.entries(await opened.table('Queries by transport')).map(([name, cells]) => [name, cells[1]]);
    await expect.poll(queries).toEqual([
      ['UDP', '3,000'],
      ['TCP', '1,501'],
      ['STARTTLS', '2'],
      ['TLS', '900'],
    ]);
    const shares = Object.values(await opened.table('Queries by transport')).map((cells) => cells[2]);
    expect(shares).toEqual(['55.5 %', '27.8 %', '< 0.1 %', '16.7 %']);
    // Two sessions of dnsperf inside TLS, one of kdig, which goes away before the handshake is complete.
    const sessions = async () => {
      const [paths, handshakes] = [await opened.table('Sessions by path'), await opened.table('Handshakes by path')];
      return [paths.TCP?.[1], paths.TLS?.[1], handshakes.STARTTLS?.[0], handshakes.TLS?.[0], handshakes.TLS?.[3]];
    };
    await expect.poll(sessions).toEqual(['3', '3', '1', '2', '1']);
    expect(Object.keys(await opened.table('Zones'))).toContain('home.test.');
    expect(await page.locator('#events li').count()).toBeGreaterThan(3);

    // By keyboard: the time that is shown.
    await page.locator('#windows input').first().focus();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => page.locator('#window-note').textContent()).toContain('as far as it was recorded');
    await expect.poll(queries).toEqual([
      ['UDP', '3,000'],
      ['TCP', '1,501'],
      ['STARTTLS', '2'],
      ['TLS', '900'],
    ]);
    const saved = page.waitForEvent('download');
    await page.locator('#report-csv').click();
    expect(readFileSync(await (await saved).path(), 'utf8').split('\n').length).toBeGreaterThan(1);
    await page.keyboard.press('Home');
    await page.locator('#windows input').first().focus();
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => page.locator('#window-note').textContent()).toContain('since the start');

    await expectAccessible(opened);
    expect(await opened.picture('page')).toBeGreaterThan(10_000);
    await page.emulateMedia(DARK);
    await expectAccessible(opened, ['color-contrast']);
    expect(await opened.picture('page-dark')).toBeGreaterThan(10_000);
    await using phone = await openPage(browser, server.url, PHONE);
    await expect.poll(() => phone.page.locator('#word').textContent()).toBe('serving');
    expect(await phone.page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
    await expectAccessible(phone, ['scrollable-region-focusable', 'target-size']);
    expect(await phone.picture('page-phone')).toBeGreaterThan(10_000);
    expect([complaints, phone.complaints]).toEqual([[], []]);

    await expectTop(join(folder, 'control.sock'));
    await expectBehindProxy(server.url);
    await server.stop();
    await expect.poll(() => page.locator('#alarm').textContent()).toContain('Nothing was heard since');
  });

  it('shows ten thousand zones part by part, names that would be HTML, mistakes, and a certificate that has expired', async () => {
    const zones = join(folder, 'many');
    mkdirSync(zones);
    const text = '$TTL 1h\n@ SOA ns.example. h.example. 1 1h 1h 1w 1h\n@ NS ns.example.\n';
    for (let i = 0; i < 10_000; i++) writeFileSync(join(zones, `zone-${i}.example.zone`), text);
    writeFileSync(join(zones, 'broken.example.zone'), `${text}www A <script>document.title='x'</script>\n`);
    writeFileSync(join(folder, 'odd'), text);
    const pair = await make({ from: new Date(Date.now() - 9 * DAY), to: new Date(Date.now() - 3.5 * DAY) });
    writeFileSync(join(folder, 'old.crt'), pair.cert);
    writeFileSync(join(folder, 'old.key'), pair.key, { mode: 0o600 });
    const server = await start('many', [
      `zones: { folder: many, files: [{ name: '<img\\032src=x\\032onerror=alert(1)>.example', file: odd }] }`,
      'tls: { certificates: [{ cert: old.crt, key: old.key }] }',
    ]);
    await using opened = await openPage(browser, server.url, { viewport: { width: 1180, height: 900 } });
    const { page, complaints } = opened;
    await expect
      .poll(() => page.locator('#parts').textContent())
      .toMatch(/^critical · 10,001 zones · 1 zone failed · certificate EXPIRED 3 d/);
    expect(await page.locator('#state').getAttribute('class')).toContain('critical');
    expect(await page.locator('#problems').textContent()).toContain("<script>document.title='x'</script>");
    const count = () => page.locator('#zones [role=status]').textContent();
    const names = async () => Object.keys(await opened.table('Zones'));
    await expect.poll(count).toBe('1 to 50 of 10,002 zones');
    expect((await names())[0]).toBe('<img\\032src=x\\032onerror=alert\\(1\\)>.example.');
    await page.getByRole('button', { name: 'On' }).click();
    await expect.poll(count).toBe('51 to 100 of 10,002 zones');
    await page.getByRole('searchbox').fill('ZONE-999');
    await expect.poll(count).toBe('11 of 10,002 zones');
    expect(await names()).toContain('zone-9999.example.');
    await page.getByRole('searchbox').fill('');
    await page.getByRole('combobox').selectOption('state');
    await expect.poll(async () => (await names())[0]).toBe('broken.example.');
    expect((await opened.table('Zones'))['broken.example.']?.join(' ')).toContain(
      "<script>document.title='x'</script>",
    );
    expect(await page.locator('#zones img, #problems script, #events script').count()).toBe(0);
    expect(await opened.picture('page-broken')).toBeGreaterThan(10_000);
    await expectAccessible(opened);
    expect(await opened.picture('page-many', 'section:has(#zones)')).toBeGreaterThan(10_000);
    expect(complaints).toEqual([]);
  });

  it('shows a server without zones', async () => {
    mkdirSync(join(folder, 'none'));
    const server = await start('none', [
      'zones: { folder: none }',
      'tls: { enabled: false }',
      'report: { enabled: false }',
    ]);
    await using opened = await openPage(browser, server.url, { viewport: { width: 1180, height: 900 } });
    const { page, complaints } = opened;
    await expect.poll(() => page.locator('#word').textContent()).toBe('serving nothing');
    await expect.poll(() => page.locator('#zones .empty').isVisible()).toBe(true);
    await expectAccessible(opened);
    expect(await opened.picture('page-empty')).toBeGreaterThan(10_000);
    expect(complaints).toEqual([]);
    await page.locator('#windows input').nth(1).check({ force: true });
    await expect.poll(() => page.locator('#window-note').textContent()).toContain('report.enabled');
  });
});

/** On a terminal until `q` is pressed, without one once: the same counts. */
async function expectTop(socket: string): Promise<void> {
  const { status, stdout, stderr } = await adotd('ctl', 'top', '--socket', socket);
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^udp +0\/s +3,000 +55\.5 % /m);
  const words = [process.execPath, MAIN, 'ctl', 'top', '--socket', socket].join(' ');
  const terminal = spawn('script', ['-qefc', words, '/dev/null']);
  let text = '';
  terminal.stdout.setEncoding('utf8').on('data', (piece: string) => (text += piece));
  const ended = once(terminal, 'close');
  await until(
    'the second picture',
    () => text.split('q ends').length > 2,
    () => text,
  );
  terminal.stdin.write('q');
  expect(await ended).toEqual([0, null]);
  expect(text).toContain('3,000');
  expect(text.trimEnd().endsWith('\x1b[?25h\x1b[?1049l')).toBe(true);
}

/** Below a path of a proxy, all works the same. */
async function expectBehindProxy(url: string): Promise<void> {
  const proxy = createServer((asked, response) => {
    const { host, port } = new URL(url);
    const path = (asked.url ?? '').replace(/^\/some\/path/, '');
    const onward = httpRequest({ host: '127.0.0.1', port, path, headers: { ...asked.headers, host } }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    onward.end();
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const { port } = proxy.address() as AddressInfo;
  await using opened = await openPage(browser, `http://127.0.0.1:${port}/some/path/`);
  await expect.poll(() => opened.page.locator('#word').textContent()).toBe('serving');
  await expect.poll(async () => Object.keys(await opened.table('Zones'))).toContain('home.test.');
  expect(opened.complaints).toEqual([]);
  proxy.closeAllConnections();
  proxy.close();
}
