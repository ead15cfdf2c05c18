import { networkInterfaces } from 'node:os';
import { expect, it } from 'vitest';
import { interfaces } from '../../src/transport/interfaces.js';

it('tells the interfaces, or why they cannot be read', () => {
  expect(interfaces()).toEqual(networkInterfaces());
  const forbidden = (): never => {
    throw new Error('uv_interface_addresses returned Unknown system error 97');
  };
  expect(interfaces(forbidden)).toMatch('system error 97');
});
