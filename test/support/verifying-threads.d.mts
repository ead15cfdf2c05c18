export { VerifyingThreads } from '../../src/server/zones/verifying-threads.js';
