export { signWithThreads } from '../../src/server/signing/signing-threads.js';
