// adotd by require(), as Node.js has it from 20.19 on for ES modules.
const { execFileSync } = require('node:child_process');
const { AdotdError, ErrorCode, startServer } = require('adotd');
const { createClient } = require('adotd/client');
const manifest = require('adotd/package.json');
const { useServer } = require('adotd/testing');

async function main() {
  const zone = '@ SOA ns1 hostmaster 1 2h 1h 2w 5m\n@ NS ns1\nns1 A 127.0.0.1\nwww A 192.0.2.80\n';
  const server = await startServer({ zones: { 'example.test': zone } });
  const client = createClient({ order: ['cleartext'] });
  const { message } = await client.resolve({
    server: { address: server.address, port: server.udp },
    name: 'www.example.test',
    type: 'A',
  });
  await client.close();
  await server.close();
  const refused = await startServer({ zones: { 'example.test': 'www A 192.0.2.256' } }).catch((error) => error);
  const ours = refused instanceof AdotdError && refused.code === ErrorCode.ZONE_INVALID;
  // A server that answers while this thread is blocked.
  const threaded = await startServer({ thread: true, zones: { 'example.test': zone } });
  const resolver = `const r = new (require('node:dns').Resolver)(); r.setServers(['127.0.0.1:${threaded.udp}']);`;
  const asking = `${resolver} r.resolve4('www.example.test', (error, found) => console.log(error ?? found[0]))`;
  const blocked = execFileSync(process.execPath, ['-e', asking], { encoding: 'utf8' }).trim();
  const asked = threaded.queries().length;
  await threaded.close();
  console.log(manifest.name, typeof useServer, message.answers[0]?.data, ours, blocked, asked);
}

main();
