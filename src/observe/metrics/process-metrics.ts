/** Metrics of the process, by the names that Prometheus' own client libraries gave them. All threads are in them. */
import { type Metric, single } from './metric.js';

export const PROCESS_METRICS: readonly Metric[] = [
  {
    name: 'process_cpu_seconds_total',
    type: 'counter',
    unit: 'seconds',
    help: 'CPU time of all threads, user and system.',
    read: ({ process }) => single(process.cpuSeconds),
  },
  {
    name: 'process_resident_memory_bytes',
    type: 'gauge',
    unit: 'bytes',
    help: 'Resident memory.',
    read: ({ process }) => single(process.residentBytes),
  },
  {
    name: 'process_start_time_seconds',
    type: 'gauge',
    unit: 'seconds',
    help: 'Start time of the process, in seconds since 1970.',
    read: ({ process }) => single(process.startedAt),
  },
  {
    name: 'process_open_fds',
    type: 'gauge',
    help: 'Open file descriptors.',
    read: ({ process }) => single(process.openDescriptors),
  },
  {
    name: 'process_max_fds',
    type: 'gauge',
    help: 'Limit on open file descriptors.',
    read: ({ process }) => single(process.maxDescriptors),
  },
];
