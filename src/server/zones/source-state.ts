/**
 * The states of the files that a zone was read from: they tell a reload which zones have changed, without compiling them all. The file's
 * metadata is compared first, with one system call for each file; if it differs, the content is: a copy of the same text is no change.
 */
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { wallTime } from '../../session/clock.js';
import { withRegularFile } from '../../zone/regular-file.js';
import { DEFAULT_READ_LIMITS } from '../../zone/source.js';

/** The state of a file when it was read. Plain data: the loader thread posts it. */
export interface SourceState {
  readonly file: string;
  /** Its metadata as one text; '' when it is not reliable. */
  readonly metadata: string;
  /** Hash of its content; '' when it could not be read. */
  readonly hash: string;
}

/**
 * Milliseconds of the coarsest clock of a file system in use (FAT). Of two writes within one tick, the second leaves no trace in the
 * metadata. So only the content counts for files that changed more recently.
 */
const COARSEST_TICK = 2000;

/** The metadata of a file; '' when there is none, or when the file has changed too recently, or in the future, to rely on it. */
function metadataOf(file: string, now: number): string {
  const stat = statOf(file);
  if (stat === undefined) return '';
  const { dev, ino, size, mtimeNs, ctimeNs, mtimeMs, ctimeMs } = stat;
  if (mtimeMs > now - COARSEST_TICK || ctimeMs > now - COARSEST_TICK) return '';
  return [dev, ino, size, mtimeNs, ctimeNs].map((value) => value.toString(36)).join('.');
}

/** The state of a file whose octets have just been read; `now`: milliseconds since 1970. */
export function sourceState(file: string, octets: Uint8Array, now = wallTime()): SourceState {
  return { file, metadata: metadataOf(file, now), hash: hashOf(octets) };
}

/** The state of a file that could not be read: once it can be read, it counts as changed. */
export function unreadable(file: string): SourceState {
  return { file, metadata: '', hash: '' };
}

/**
 * The present states of files whose content is still that of `known`; undefined when one differs or cannot be read, and when none is
 * known.
 */
export function sameSources(known: readonly SourceState[], now = wallTime()): readonly SourceState[] | undefined {
  const states: SourceState[] = [];
  for (const state of known) {
    if (state.metadata !== '' && state.metadata === metadataOf(state.file, now)) {
      states.push(state);
      continue;
    }
    if (state.hash === '') return undefined;
    const octets = read(state.file);
    if (octets === undefined || hashOf(octets) !== state.hash) return undefined;
    states.push(sourceState(state.file, octets, now));
  }
  return states.length === 0 ? undefined : states;
}

function statOf(file: string) {
  try {
    return statSync(file, { throwIfNoEntry: false, bigint: true });
  } catch {
    return undefined;
  }
}

function read(file: string): Uint8Array | undefined {
  try {
    return withRegularFile(file, DEFAULT_READ_LIMITS.maxOctets, (fd) => readFileSync(fd));
  } catch {
    return undefined;
  }
}

/** 128 bits are enough: an attacker who can write a file with the same hash can write the zone as well. */
const HASH_CHARACTERS = 22;

function hashOf(octets: Uint8Array): string {
  return createHash('sha256').update(octets).digest('base64url').slice(0, HASH_CHARACTERS);
}
