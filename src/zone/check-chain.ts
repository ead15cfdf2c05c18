import type { Report } from './report.js';
import type { Rrsets } from './rrsets.js';

export function checkChain(_r: Rrsets, _a: number, _p: Uint8Array, _m: number, _report: Report): void {}
