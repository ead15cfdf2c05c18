export const Misdeed: { readonly NONE: 0; readonly THROW: 1; readonly SPIN: 2 };
export type Misdeed = (typeof Misdeed)[keyof typeof Misdeed];
