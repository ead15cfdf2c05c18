// jest, in a CommonJS module: one server for the tests of this file.
const { spawnSync } = require('node:child_process');
const { Resolver } = require('node:dns/promises');
const { startServer } = require('adotd');
const { createClient } = require('adotd/client');
const { showQueries, useServer } = require('adotd/testing');

const server = useServer(
  { beforeAll, afterAll, afterEach },
  { zones: { 'example.test': '@ SOA ns1 hostmaster 1 2h 1h 2w 5m\n@ NS ns1\nns1 A 127.0.0.1\nwww A 192.0.2.80\n' } },
);

function resolver() {
  const one = new Resolver({ tries: 1, timeout: 5000 });
  one.setServers([`${server().address}:${server().udp}`]);
  return one;
}

it('finds an address', async () => {
  expect(await resolver().resolve4('www.example.test')).toEqual(['192.0.2.80']);
});

it('does not find a name that is not there', async () => {
  await expect(resolver().resolve4('nowhere.example.test')).rejects.toMatchObject({ code: 'ENOTFOUND' });
});

it('is told by the usual codes what the system does not let it do', async () => {
  const taken = startServer({ port: server().udp, tls: false });
  await expect(taken).rejects.toMatchObject({ code: 'ADOTD_LISTEN', message: expect.stringContaining('(EADDRINUSE)') });
  const nowhere = startServer({ folder: 'nowhere' });
  await expect(nowhere).rejects.toMatchObject({ message: expect.stringContaining('no such file or directory') });
  const client = createClient({ order: ['tls'] });
  const free = await startServer();
  await free.close();
  const asked = client.resolve({
    server: { address: free.address, tlsPort: free.tls },
    name: 'example.test',
    type: 'A',
  });
  await expect(asked).rejects.toMatchObject({ reason: 'CLIENT_REFUSED' });
  await client.close();
});

// It starts a thread and a program, and jest waits 5 s only.
it('is answered while this thread is blocked', async () => {
  const threaded = await startServer({ thread: true, zones: { 'example.test': 'www A 192.0.2.80' } });
  const one = `new (require('node:dns').Resolver)({ tries: 1 })`;
  const asking = `const r = ${one}; r.setServers(['127.0.0.1:${threaded.udp}']); r.resolve4('www.example.test', console.log)`;
  expect(spawnSync(process.execPath, ['-e', asking], { encoding: 'utf8' }).stdout).toContain('192.0.2.80');
  expect(threaded.queries()).toEqual([
    expect.objectContaining({ name: 'www.example.test', time: expect.any(Date), octets: expect.any(Uint8Array) }),
  ]);
  const mistake = { code: 'ADOTD_ZONE_INVALID', message: expect.stringContaining('example.test:1:7: found "x"') };
  await expect(threaded.setZone('example.test', 'www A x')).rejects.toMatchObject(mistake);
  expect(() => threaded.faults.add({ fault: 'drop', name: () => {} })).toThrow(/give plain values/);
  await threaded.close();
}, 60_000);

if (process.env.FAIL) {
  it(
    'fails when it is told to',
    showQueries(server, async () => {
      expect(await resolver().resolve4('www.example.test')).toEqual(['192.0.2.81']);
    }),
  );
}
