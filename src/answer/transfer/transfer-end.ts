/** Why a transfer to a client is over. */
export const TransferEnd = {
  /** The operating system has taken the last message. */
  COMPLETE: 'complete',
  /** The client has closed, or the connection broke. */
  CLIENT: 'client',
  /** The client took nothing for too long. */
  IDLE: 'idle',
  /** It took too long as a whole. */
  TIMEOUT: 'timeout',
  /** The server stopped. */
  STOPPED: 'stopped',
  /** A message could not be made. */
  FAILED: 'failed',
} as const;
export type TransferEnd = (typeof TransferEnd)[keyof typeof TransferEnd];
