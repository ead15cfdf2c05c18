/** What a worker can be made to do. */
export const Misdeed = {
  NONE: 0,
  /** Throw an error that nobody catches. */
  THROW: 1,
  /** Loop for ever. */
  SPIN: 2,
};
