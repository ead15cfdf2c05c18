/** As the server has them: their program is compiled. */
export { signWithThreads } from '../../build/server/signing/signing-threads.js';
