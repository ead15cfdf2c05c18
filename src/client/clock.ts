/**
 * Time as the client sees it. Everything that waits or measures goes through a ClientClock, so that tests can move time by
 * hand. (It is not the server's Clock: the client shares nothing with the server but the numbers of the IANA registries.)
 */

export interface ClientClock {
  /** Milliseconds since 1970: what is remembered across processes is dated by it. */
  now(): number;
  /** Milliseconds since some fixed moment; never runs backwards. */
  elapsed(): number;
  /** Calls `fire` once in `milliseconds`; what is returned prevents that. An idle timer does not keep the process alive. */
  after(milliseconds: number, fire: () => void, idle?: boolean): () => void;
}

/** The machine's time. */
export const systemClock: ClientClock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after(milliseconds, fire, idle = false) {
    const handle = setTimeout(fire, milliseconds);
    if (idle) handle.unref();
    return () => clearTimeout(handle);
  },
};
