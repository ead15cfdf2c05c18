/** The path of a request target in origin form or absolute form (RFC 9112 §3.2). */
export function pathOf(target: string): string {
  const path = target.replace(/^https?:\/\/[^/?#]*/i, '');
  return path.replace(/[?#].*$/s, '');
}
