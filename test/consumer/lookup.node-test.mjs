// node:test: one server for the tests of this file.
import assert from 'node:assert/strict';
import { Resolver } from 'node:dns/promises';
import { after, afterEach, before, test } from 'node:test';
import { useServer } from 'adotd/testing';

const server = useServer(
  { before, after, afterEach },
  { zones: { 'example.test': '@ SOA ns1 hostmaster 1 2h 1h 2w 5m\n@ NS ns1\nns1 A 127.0.0.1\nwww A 192.0.2.80\n' } },
);

function resolver() {
  const one = new Resolver({ tries: 1, timeout: 5000 });
  one.setServers([`${server().address}:${server().udp}`]);
  return one;
}

test('finds an address', async () => {
  assert.deepEqual(await resolver().resolve4('www.example.test'), ['192.0.2.80']);
});

test('does not find a name that is not there', async () => {
  await assert.rejects(resolver().resolve4('nowhere.example.test'), { code: 'ENOTFOUND' });
});

test('fails when it is told to', { skip: !process.env.FAIL }, async () => {
  assert.deepEqual(await resolver().resolve4('www.example.test'), ['192.0.2.81']);
});
