/** Mistakes in stream sessions: STARTTLS (docs/protocol.md "STARTTLS"), framing, idle times, limits. */
import type { Mutant } from './mutants.js';

export const SESSION: readonly Mutant[] = [
  {
    name: 'upgrade offered to the second message too',
    file: 'session/session.ts',
    find: '!secure && this.#stage === Stage.FIRST && this.#answering.mayUpgrade',
    replace: '!secure && this.#answering.mayUpgrade',
  },
  {
    name: 'upgrade offered inside TLS',
    file: 'session/session.ts',
    find: '!secure && this.#stage === Stage.FIRST && ',
    replace: 'this.messages === 0 && ',
  },
  {
    name: 'upgrade offered although plaintext follows',
    file: 'session/session.ts',
    find: ' && !this.#plaintextFollows();',
    replace: ';',
  },
  {
    name: 'a session after STARTTLS answers as if in the clear',
    file: 'session/session.ts',
    find: 'facts.transport = secure ? (this.upgraded ? Transport.STARTTLS : Transport.TLS) : Transport.TCP;',
    replace: 'facts.transport = secure && !this.upgraded ? Transport.TLS : Transport.TCP;',
  },
  {
    name: 'plaintext instead of a handshake is answered where it must not be',
    file: 'session/session.ts',
    find: 'if (this.#answering.settings.strict) {',
    replace: 'if (this.#answering.settings.strict && octets.length === 0) {',
  },
  {
    name: 'messages behind one that offers an upgrade are answered first',
    file: 'session/session.ts',
    find: 'if (this.#stage === Stage.OFFERED || this.#long?.isUnderWay) break;',
    replace: 'if (this.#long?.isUnderWay) break;',
  },
  {
    name: 'octets that were only borrowed are kept while the client does not read',
    file: 'session/session.ts',
    find: 'if (this.#paused) this.#framer.hold();',
    replace: '',
  },
  {
    name: 'writes inside TLS that wait share a record',
    file: 'transport/stream.ts',
    find: '  socket._writev = undefined;\n',
    replace: '',
  },
  {
    name: 'a handshake may take for ever',
    file: 'session/session.ts',
    find: '      // Its time runs from its first octet, not from the deciding one.\n      if (this.busy.queue === undefined) this.#deadlines.handshakeBegan(this);\n',
    replace: '',
  },
  {
    name: 'time of a handshake begins anew with every octet',
    file: 'session/session.ts',
    find: 'if (octets.length > 0 && this.busy.queue === undefined) this.#deadlines.handshakeBegan(this);',
    replace: 'if (octets.length > 0) this.#deadlines.handshakeBegan(this);',
  },
  {
    name: 'a FIN of the peer loses the answers that wait',
    file: 'session/session.ts',
    find: 'else if (this.isAnswering && !this.#paused) this.drain(SessionEnd.CLIENT);\n  }',
    replace: 'else if (this.isAnswering) this.drain(SessionEnd.CLIENT);\n  }',
  },
  {
    name: 'time of a message begins anew with every octet',
    file: 'session/session.ts',
    find: 'if (this.busy.queue === undefined) this.#deadlines.messageBegan(this);',
    replace: 'this.#deadlines.messageBegan(this);',
  },
  {
    name: 'a peer that does not read is written to without end',
    file: 'session/session.ts',
    find: 'const room = limit - connection.unsent;',
    replace: 'const room = Number.POSITIVE_INFINITY;',
  },
  {
    name: 'a record of 2^14 + 1 octets may be a ClientHello',
    file: 'session/client-hello.ts',
    find: 'if (size < SHORTEST || size > LONGEST) return Opening.PLAINTEXT;',
    replace: 'if (size < SHORTEST) return Opening.PLAINTEXT;',
  },
  {
    name: 'any handshake message is a ClientHello',
    file: 'session/client-hello.ts',
    find: 'return octets[at + 5] === CLIENT_HELLO ? Opening.CLIENT_HELLO : Opening.PLAINTEXT;',
    replace: 'return Opening.CLIENT_HELLO;',
  },
  {
    name: 'a length split between two chunks is read wrongly',
    file: 'session/framing.ts',
    find: 'const length = (partial[0]! << 8) | partial[1]!;',
    replace: 'const length = partial[1]!;',
  },
  {
    name: 'clients are not asked to close while the server stops',
    file: 'session/deadlines.ts',
    find: 'if (this.#stop || this.#context.limits.load >= SHED_FROM) return true;',
    replace: 'if (this.#context.limits.load >= SHED_FROM) return true;',
  },
  {
    name: 'upgrades offered while the server stops',
    file: 'session/answering.ts',
    find: 'this.settings.upgradeBit !== UpgradeBit.NEVER && !this.#pressure.stopping;',
    replace: 'this.settings.upgradeBit !== UpgradeBit.NEVER;',
  },
  {
    name: 'a client may have any number of connections',
    file: 'session/limits.ts',
    find: 'if (before < this.#settings.connectionsPerClient) return Admission.ADMITTED;',
    replace: 'if (before >= 0) return Admission.ADMITTED;',
  },
];
