import { closeSync, fstatSync, openSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  closeOwned,
  descriptorTable,
  disownDescriptor,
  ownDescriptor,
} from '../../../src/transport/epoll/owned-descriptors.js';

const isOpen = (fd: number): boolean => {
  try {
    fstatSync(fd);
    return true;
  } catch {
    return false;
  }
};

describe('the descriptors of a thread', () => {
  it('are closed when it is gone, and no others', () => {
    const table = descriptorTable(1024);
    // More than a word has bits for, the highest bit of one among them.
    const opened = Array.from({ length: 70 }, () => openSync('/dev/null', 'r'));
    const struckOut = opened.filter((fd) => fd % 3 === 0);
    const owned = opened.filter((fd) => fd % 3 !== 0);
    for (const fd of opened) ownDescriptor(table, fd);
    for (const fd of struckOut) disownDescriptor(table, fd);
    expect(closeOwned(table)).toBe(owned.length);
    expect(opened.filter(isOpen)).toEqual(struckOut);
    expect(closeOwned(table)).toBe(0);
    for (const fd of struckOut) closeSync(fd);
  });

  it('beyond the table are left alone', () => {
    const table = descriptorTable(32);
    ownDescriptor(table, 32);
    ownDescriptor(table, 1_000_000);
    disownDescriptor(table, 1_000_000);
    expect([...table]).toEqual([0]);
    expect(descriptorTable(Number.POSITIVE_INFINITY).length).toBeLessThanOrEqual(0x10_0000 / 32);
  });
});
