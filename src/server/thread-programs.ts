/** The programs of threads. They are listed in one place because a bundler has to know each of them. */

/** Folder of the whole program: threads that are started later read it again. */
export const PROGRAMS = new URL('../', import.meta.url);

export const UDP_WORKER = new URL('./plane/udp-worker.js', import.meta.url);
export const STREAM_WORKER = new URL('./plane/stream-worker.js', import.meta.url);
export const LOADER_WORKER = new URL('./zones/loader-worker.js', import.meta.url);
export const LANE_WORKER = new URL('./zones/jobs/lane-worker.js', import.meta.url);
export const VERIFYING_WORKER = new URL('./zones/verifying-worker.js', import.meta.url);
export const SIGNING_WORKER = new URL('./signing/signing-worker.js', import.meta.url);
export const TRANSFER_WORKER = new URL('./secondaries/transfer-worker.js', import.meta.url);
