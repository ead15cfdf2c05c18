/** As the server has them: the lane's thread has a program, which is compiled. */
export { adoptTransfer } from '../../build/server/secondaries/adopt-transfer.js';
export { LoaderLane } from '../../build/server/zones/jobs/loader-lane.js';
