export { adoptTransfer } from '../../src/server/secondaries/adopt-transfer.js';
export { LoaderLane } from '../../src/server/zones/jobs/loader-lane.js';
