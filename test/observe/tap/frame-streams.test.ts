import { describe, expect, it } from 'vitest';
import { Control, controlFrame, controlReader, DNSTAP_CONTENT } from '../../../src/observe/tap/frame-streams.js';

describe('control frames of Frame Streams', () => {
  it('are written as the format says', () => {
    expect(controlFrame(Control.STOP).toString('hex')).toBe('000000000000000400000003');
    expect(controlFrame(Control.START, Buffer.from('ab')).toString('hex')).toBe(
      '000000000000000e000000020000000100000002' + '6162',
    );
  });

  it('are read in pieces of any size', () => {
    const octets = Buffer.concat([controlFrame(Control.ACCEPT, DNSTAP_CONTENT), controlFrame(Control.FINISH)]);
    for (const size of [1, 3, 7, octets.length]) {
      const read = controlReader();
      const frames = [];
      for (let at = 0; at < octets.length; at += size) frames.push(...(read(octets.subarray(at, at + size)) ?? []));
      expect(frames).toEqual([
        { type: Control.ACCEPT, contents: [new Uint8Array(DNSTAP_CONTENT)] },
        { type: Control.FINISH, contents: [] },
      ]);
    }
  });

  it.each([
    ['text', Buffer.from('HTTP/1.1 400 Bad Request')],
    ['a data frame', Buffer.from('0000000100000004ff', 'hex')],
    ['a frame that is too long', Buffer.from('00000000000002010000', 'hex')],
    ['a frame without a type', Buffer.from('000000000000000000', 'hex')],
    ['a field that runs past its frame', Buffer.from('000000000000000c00000001' + '00000001' + '00000009', 'hex')],
    ['half a field', Buffer.from('000000000000000600000001' + '0000', 'hex')],
  ])('are told from %s', (_, octets) => {
    expect(controlReader()(octets)).toBeUndefined();
  });
});
