import { describe, expect, it } from 'vitest';
import { fromDig } from '../../src/cli/dig-words.js';
import { runCommand } from '../support/run-command.js';

describe('words of dig', () => {
  it.each([
    ['-p 5300 www.example.test', '--port 5300 www.example.test'],
    ['-p5300 www.example.test', '--port 5300 www.example.test'],
    ['-x 192.0.2.1', '1.2.0.192.in-addr.arpa. PTR'],
    ['-x 2001:db8::567', `7.6.5.0.${'0.'.repeat(20)}8.b.d.0.1.0.0.2.ip6.arpa. PTR`],
    ['-q www.test -t mx -c ch', 'www.test mx --class ch'],
    ['+tls +dnssec +short', '--transport tls --dnssec --short'],
    ['+tcp +norecurse +nocookie', '--transport tcp'],
    ['+vc +rec +do +nsid', '--transport tcp --recurse --dnssec --nsid'],
    ['+bufsize=4096 +time=2 +tries=1', '--edns-size 4096 --timeout 2 --tries 1'],
    ['+retry=0', '--tries 1'],
    ['+padding +keepalive', '--keepalive'],
    ['+padding=128 +noedns', '--padding 128 --no-edns'],
    ['+tls-ca=ca.pem +tls-hostname=ns.test', '--tls-ca ca.pem --tls-host ns.test'],
    ['+tls-pin=abc=', '--tls-pin abc='],
    ['--transport tls @::1 a.test', '--transport tls @::1 a.test'],
    ['-port 53', '-port 53'],
  ])('%s become %s', (words, ours) => {
    expect(fromDig(words.split(' ')).join(' ')).toBe(ours);
  });

  it.each([
    ['a.test +trace', '+trace: one server is asked; adotd probe SERVER tells what a server can do'],
    ['a.test +noall +answer', '+noall: all sections are printed; --short prints only the data of the answer section'],
    ['a.test +https', '+https: there are --transport udp, tcp, starttls and tls'],
    ['a.test +frobnicate', '+frobnicate: not known here; see adotd query --help'],
    ['a.test +t', '+t: not known here'],
    ['a.test +toString', '+toString: not known here'],
    ['a.test +tls-ca', '+tls-ca: expected a value; write --tls-ca FILE, with the authorities in PEM'],
    ['a.test +bufsize', '+bufsize: expected a value; write --edns-size 1232'],
    ['a.test +retry=x', '--tries: found x, expected a number from 1 to 100'],
    ['a.test -4', "-4: give the server's IPv4 address: @192.0.2.53"],
    ['-x www.test', '-x: found www.test, expected an IPv4 or IPv6 address'],
    ['a.test -p', '-p: found nothing, expected a value'],
    ['a.test -p x', '--port: found x, expected a number from 1 to 65535'],
    ['a.test -z', 'unknown option -z; see adotd query --help'],
    ['a.test +tcp +tls', '--transport: found tcp and tls, expected one value'],
  ])('%s are answered with what to write instead', async (words, message) => {
    const { status, stdout, stderr } = await runCommand('query', ...words.split(' '));
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^adotd query: .*\n$/);
    expect(stderr).toContain(message);
  });
});
