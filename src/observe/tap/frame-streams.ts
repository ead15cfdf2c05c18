/**
 * Frame Streams, the framing of dnstap: data frames, each behind its length, between control frames that name the content. On a socket the
 * writer says READY, the reader ACCEPT; then START, the data, STOP, and the reader says FINISH. A file holds START, the data, STOP. The
 * format is that of the fstrm library's documentation of control frames.
 */

/** Types of control frames. */
export const Control = { ACCEPT: 1, START: 2, STOP: 3, READY: 4, FINISH: 5 } as const;

/** The only field of control frames. */
const CONTENT_TYPE_FIELD = 1;

/** Octets of the longest control frame, without the escape and the length before it. */
const MAX_CONTROL = 512;
/** The escape (a data frame of no octets), and the length. */
const CONTROL_PREFIX = 8;

/** The content type of dnstap. */
export const DNSTAP_CONTENT = Buffer.from('protobuf:dnstap.Dnstap', 'latin1');

/** A control frame; `content`: its content type, for READY, ACCEPT and START. */
export function controlFrame(type: number, content?: Uint8Array): Buffer {
  const fields = content === undefined ? 0 : 8 + content.length;
  const frame = Buffer.alloc(CONTROL_PREFIX + 4 + fields);
  frame.writeUInt32BE(4 + fields, 4);
  frame.writeUInt32BE(type, 8);
  if (content !== undefined) {
    frame.writeUInt32BE(CONTENT_TYPE_FIELD, 12);
    frame.writeUInt32BE(content.length, 16);
    frame.set(content, 20);
  }
  return frame;
}

/** A control frame that was read. */
export interface ControlFrame {
  readonly type: number;
  /** The content types that it names. */
  readonly contents: readonly Uint8Array[];
}

/**
 * Reads the control frames of a reader, which sends nothing else. Returns undefined for other octets. Keeps an incomplete frame for the
 * next call: never more than MAX_CONTROL octets.
 */
export function controlReader(): (octets: Uint8Array) => ControlFrame[] | undefined {
  let kept = Buffer.alloc(0);
  return (octets) => {
    kept = Buffer.concat([kept, octets]);
    const frames: ControlFrame[] = [];
    while (kept.length >= CONTROL_PREFIX) {
      const length = kept.readUInt32BE(4);
      if (kept.readUInt32BE(0) !== 0 || length < 4 || length > MAX_CONTROL) return undefined;
      if (kept.length < CONTROL_PREFIX + length) break;
      const frame = readControl(kept.subarray(CONTROL_PREFIX, CONTROL_PREFIX + length));
      if (frame === undefined) return undefined;
      frames.push(frame);
      kept = kept.subarray(CONTROL_PREFIX + length);
    }
    return frames;
  };
}

function readControl(frame: Buffer): ControlFrame | undefined {
  const contents: Uint8Array[] = [];
  let at = 4;
  while (at < frame.length) {
    if (at + 8 > frame.length) return undefined;
    const end = at + 8 + frame.readUInt32BE(at + 4);
    if (end > frame.length) return undefined;
    if (frame.readUInt32BE(at) === CONTENT_TYPE_FIELD) contents.push(Uint8Array.from(frame.subarray(at + 8, end)));
    at = end;
  }
  return { type: frame.readUInt32BE(0), contents };
}
