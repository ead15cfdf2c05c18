/** Places for work that may go on at once; work that finds none waits its turn. */
export class Slots {
  #limit: number;
  #taken = 0;
  #waiting: (() => void)[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  set limit(limit: number) {
    this.#limit = limit;
    this.#next();
  }

  /** Takes a place if one is free. */
  tryTake(): boolean {
    if (this.#taken >= this.#limit) return false;
    this.#taken++;
    return true;
  }

  /** Fulfilled once a place is taken. */
  async take(): Promise<void> {
    if (this.tryTake()) return;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Gives a place back. */
  free(): void {
    this.#taken--;
    this.#next();
  }

  #next(): void {
    while (this.#waiting.length > 0 && this.tryTake()) this.#waiting.shift()?.();
  }
}
