import { describe, expect, it } from 'vitest';
import { engineOf, zoneOf } from './support.js';

const COOKIE = 10;
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));

// RFC 9018 Appendix A.1: secret, client 198.51.100.100, client cookie and time give this server cookie.
const SECRET = hex('e5e973e5a6b2a43f48e7dc849e37bfcf');
const CLIENT = hex('2464c4abcf10c957');
const TIME = 1559731985;
const SERVER = '010000005cf79f111f8130c3eee29480';

function server(settings: { required?: boolean; secrets?: Uint8Array[] } = {}) {
  const engine = engineOf(
    { 'example.test': zoneOf('www A 192.0.2.7') },
    { cookieSecrets: settings.secrets ?? [SECRET], cookiesRequired: settings.required ?? false },
  );
  engine.facts.now = TIME;
  engine.facts.client.set([198, 51, 100, 100]);
  const ask = (data: Uint8Array) =>
    engine.query({ name: 'www.example.test.', edns: { options: [{ code: COOKIE, data }] } });
  return { engine, ask };
}

describe('cookies (RFC 7873, RFC 9018)', () => {
  it('answers a client cookie with the server cookie of RFC 9018 A.1', () => {
    const { ask } = server();
    const response = ask(CLIENT);
    expect(response.rcode).toBe(0);
    expect(Buffer.from(response.edns!.options[0]!.data).toString('hex')).toBe(`2464c4abcf10c957${SERVER}`);
  });

  it('asks for a cookie over UDP only, where one is required', () => {
    const { engine, ask } = server({ required: true });
    expect(ask(CLIENT).rcode).toBe(23);
    expect(ask(hex(`2464c4abcf10c957${SERVER}`)).rcode).toBe(0);
    engine.facts.transport = 1;
    expect(ask(CLIENT).rcode).toBe(0);
  });

  it.each([
    ['another client address', 0, [198, 51, 100, 101], 23],
    ['an hour and a second later', 3601, [198, 51, 100, 100], 23],
    ['an hour later', 3600, [198, 51, 100, 100], 0],
    ['five minutes earlier', -300, [198, 51, 100, 100], 0],
    ['more than five minutes earlier', -301, [198, 51, 100, 100], 23],
  ])('judges a server cookie from %s', (_, seconds, address, rcode) => {
    const { engine, ask } = server({ required: true });
    engine.facts.now = TIME + seconds;
    engine.facts.client.set(address);
    expect(ask(hex(`2464c4abcf10c957${SERVER}`)).rcode).toBe(rcode);
  });

  it('accepts cookies of an older secret and signs with the first', () => {
    const { ask } = server({ required: true, secrets: [new Uint8Array(16).fill(7), SECRET] });
    const response = ask(hex(`2464c4abcf10c957${SERVER}`));
    expect(response.rcode).toBe(0);
    expect(Buffer.from(response.edns!.options[0]!.data).toString('hex')).not.toContain(SERVER);
  });

  it.each([0, 1, 7, 9, 15, 41])('refuses a cookie of %i octets as malformed', (length) => {
    expect(server().ask(new Uint8Array(length)).rcode).toBe(1);
  });

  it('answers a request for a cookie alone (RFC 7873 §5.4)', () => {
    const { engine } = server();
    const options = [{ code: COOKIE, data: CLIENT }];
    const response = engine.query({ noQuestion: true, edns: { options } });
    expect([response.rcode, response.question.length]).toEqual([0, 0]);
    expect(response.edns?.options[0]?.data.length).toBe(24);
  });

  it('ignores cookies when there is no secret', () => {
    expect(server({ secrets: [] }).ask(CLIENT).edns?.options).toEqual([]);
  });
});
