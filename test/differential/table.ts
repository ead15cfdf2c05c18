/** Counts questions by outcome and signing, says which cell is thin, and prints the table. */
import { canOccur, OUTCOMES, type OutcomeName, SIGNINGS, type Signing } from './model.js';

export class Table {
  readonly #counts = new Map<string, number>();

  add(outcome: OutcomeName, signing: Signing): void {
    const key = `${outcome}/${signing}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  count(outcome: OutcomeName, signing: Signing): number {
    return this.#counts.get(`${outcome}/${signing}`) ?? 0;
  }

  /** The outcome with the fewest questions so far among zones of that signing. */
  thinnest(signing: Signing): OutcomeName {
    let least: OutcomeName = 'answer';
    for (const outcome of OUTCOMES) {
      if (canOccur(outcome, signing) && this.count(outcome, signing) < this.count(least, signing)) least = outcome;
    }
    return least;
  }

  /** The cells that can occur and have fewer than `least` questions. */
  thin(least: number): string[] {
    const out: string[] = [];
    for (const outcome of OUTCOMES) {
      for (const signing of SIGNINGS) {
        const count = this.count(outcome, signing);
        if (canOccur(outcome, signing) && count < least) out.push(`${outcome}, ${signing}: ${count} of ${least}`);
      }
    }
    return out;
  }

  toText(): string {
    const row = (head: string, cells: readonly string[]): string =>
      head.padEnd(20) + cells.map((cell) => cell.padStart(10)).join('');
    const lines = [row('', SIGNINGS)];
    for (const outcome of OUTCOMES) {
      const cell = (signing: Signing): string =>
        canOccur(outcome, signing) ? String(this.count(outcome, signing)) : '-';
      lines.push(row(outcome, SIGNINGS.map(cell)));
    }
    return lines.join('\n');
  }
}
