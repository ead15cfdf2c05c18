// vitest: one server for the tests of this file.
import { Resolver } from 'node:dns/promises';
import { useServer } from 'adotd/testing';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';

const server = useServer(
  { beforeAll, afterAll, afterEach },
  { zones: { 'example.test': '@ SOA ns1 hostmaster 1 2h 1h 2w 5m\n@ NS ns1\nns1 A 127.0.0.1\nwww A 192.0.2.80\n' } },
);

function resolver(): Resolver {
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

it.runIf(process.env.FAIL)('fails when it is told to', async () => {
  expect(await resolver().resolve4('www.example.test')).toEqual(['192.0.2.81']);
});
