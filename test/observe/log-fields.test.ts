import { describe, expect, it } from 'vitest';
import { AdotdError, ErrorCode } from '../../src/errors.js';
import { errorField, fieldsBeyond } from '../../src/observe/log-fields.js';

const KEY = new AdotdError(ErrorCode.TLS, 'certificate a.pem and private key a.key do not belong together');

describe('an error in the log', () => {
  it('that we raise on purpose has a code and no stack', () => {
    expect(errorField(KEY)).toEqual({ type: 'AdotdError', message: KEY.message, code: 'ADOTD_TLS' });
  });

  it('of any other kind has its stack and the code of the system', () => {
    const error = Object.assign(new TypeError('boom'), { code: 'EIO' });
    const expected = { type: 'TypeError', message: 'boom', code: 'EIO', stack: expect.stringContaining('log-fields') };
    expect(errorField(error)).toEqual(expected);
    expect(errorField('text')).toBe('text');
  });
});

describe('a line for people has in its fields', () => {
  it('no message for a second time', () => {
    expect(fieldsBeyond(`the certificates stay: ${KEY.message}`, { err: KEY })).toEqual({ code: 'ADOTD_TLS' });
    const left = fieldsBeyond('reload failed: boom', { err: new Error('boom') });
    expect(left).toEqual({ err: { type: 'Error', message: '', stack: expect.stringMatching(/^ +at /) } });
  });

  it('the message of an error that the line does not tell', () => {
    expect(fieldsBeyond('it failed', { err: KEY })).toEqual({ code: 'ADOTD_TLS', err: KEY.message });
    expect(fieldsBeyond('it failed', { err: new Error('boom') })).toMatchObject({ err: { message: 'boom' } });
  });

  it('only what the message has not said, number for number and word for word', () => {
    const fields = { zones: 1, failed: 1, records: 3, outcomes: { added: 1, kept: 0 }, milliseconds: 62, errors: [] };
    expect(fieldsBeyond('1 zone served, 1 failed', fields)).toEqual({ records: 3, milliseconds: 62 });
    expect(fieldsBeyond('/z/b.zone:3:6: found x', { file: '/z/b.zone', line: 3, column: 6 })).toEqual({});
    expect(fieldsBeyond('12 of them', { count: 2, name: 'the' })).toEqual({ count: 2, name: 'the' });
    expect(fieldsBeyond('stopping', { signal: 'SIGTERM', drainTime: undefined })).toEqual({ signal: 'SIGTERM' });
  });
});
