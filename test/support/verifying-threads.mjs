/** As the server has them: their program is compiled. */
export { VerifyingThreads } from '../../build/server/zones/verifying-threads.js';
