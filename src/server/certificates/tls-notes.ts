/** Notes on faults of certificates and ticket keys: for the log, and for the status. */
import type { AdotdError } from '../../errors.js';
import type { Log } from '../../observe/log.js';
import { certificateNotes } from '../../tls/certificate-notes.js';
import type { Certificate } from '../../tls/certificates.js';
import type { Loaded } from '../../tls/served.js';

/** Something that an operator should know. */
export interface TlsNote {
  readonly severity: 'error' | 'warning';
  readonly message: string;
  /** The consequence for the service; before the message in the log. */
  readonly consequence?: string;
  /** Fields of the line in the log. */
  readonly fields: object;
  /** Whether a file cannot be used. */
  readonly mistake: boolean;
}

/** Seconds after which a line is logged again: a day, with some room for the clock. */
const REPEAT = 86_400 - 60;

/**
 * All notes at the moment `now`. `ofKeys`: why the ticket keys are not those of their file; `nameservers`: those that the certificates
 * should name.
 */
export function tlsNotes(
  { certificates, pairs }: Loaded,
  ofKeys: AdotdError | undefined,
  nameservers: readonly string[],
  now: Date,
): TlsNote[] {
  const none = pairs.every(({ certificate }) => certificate === undefined);
  const notes: TlsNote[] = [];
  if (ofKeys) notes.push(mistakeNote(ofKeys, 'the ticket keys stay as they are'));
  for (const { files, state, mistake, warning } of pairs) {
    if (mistake) notes.push(mistakeNote(mistake, CONSEQUENCES[state === 'failed' && none ? 'none' : state]));
    if (warning !== undefined) {
      notes.push({ severity: 'warning', message: warning, fields: { file: files.certFile }, mistake: false });
    }
  }
  for (const { severity, message, certificate } of certificateNotes(certificates, nameservers, now)) {
    notes.push({ severity, message, fields: { file: certificate.certFile }, mistake: false });
  }
  return notes;
}

/** The consequence where the present content of a pair of files cannot be used; `none`: no pair has ever been usable. */
const CONSEQUENCES = {
  served: 'the certificate is served',
  kept: 'the certificate stays as it is',
  held: 'the certificate stays as it is',
  failed: 'a certificate is not served',
  none: 'no certificate can be used, and one that is made in memory is served',
} as const;

function mistakeNote(error: AdotdError, consequence: string): TlsNote {
  return { severity: 'error', message: error.message, consequence, fields: { err: error }, mistake: true };
}

/** Logs notes: each once a day as long as it holds. */
export class TlsReport {
  readonly #log: Log;
  /** When each note was last logged, in seconds. */
  #said: ReadonlyMap<string, number> = new Map();

  constructor(log: Log) {
    this.#log = log;
  }

  /** `now`: seconds since 1970; `asked`: somebody has asked for the files to be read, and is told of each mistake in them. */
  say(notes: readonly TlsNote[], now: number, asked: boolean): void {
    const said = new Map<string, number>();
    for (const { severity, message, consequence, fields, mistake } of notes) {
      const last = this.#said.get(message);
      const due = last === undefined || now - last >= REPEAT || (asked && mistake);
      said.set(message, due ? now : last);
      if (!due) continue;
      const text = consequence === undefined ? message : `${consequence}: ${message}`;
      if (severity === 'error') this.#log.error(fields, text);
      else this.#log.warn(fields, text);
    }
    this.#said = said;
  }
}

/** Describes a certificate that is served from now on. */
export function logCertificate(certificate: Certificate, log: Log): void {
  const { subject, names, notAfter, pin, tlsa, certFile } = certificate;
  log.info(
    { subject, names, expires: notAfter, pin, tlsa, file: certFile },
    `certificate ${certFile}: ${subject}, expires ${notAfter.toISOString().slice(0, 10)}, pin ${pin}, TLSA ${tlsa}`,
  );
}
