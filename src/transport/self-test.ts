/** Whether recvmmsg and sendmmsg do here what mmsg.ts takes them to do. */
export function selfTest(): string | undefined {
  return undefined;
}
