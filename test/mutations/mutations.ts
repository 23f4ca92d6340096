/** A change of the source that breaks a promise, and the property that must notice. */
export interface Mutation {
  /** The beginning of the property's name in its test, behind the feature's tag. */
  readonly property: string;
  /** Below test/properties/. */
  readonly test: string;
  /** What breaks, in one sentence. */
  readonly breaks: string;
  /** Below the repository. */
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly find: string;
  readonly replace: string;
}

export const mutations: readonly Mutation[] = [
  {
    property: 'Property 1: Universal Message Persistence',
    test: '1-universal-message-persistence.test.ts',
    breaks: 'The original defect: a message that no WebSocket manager takes is not saved.',
    file: 'src/persistence/dualPersistenceManager.ts',
    find: '    const saved = await this.#persistence.save(message);',
    replace: `    if (!webSocketManager) {
      return { databaseSaved: true, websocketSent: false, errors: [], retryNeeded: false, message: null };
    }
    const saved = await this.#persistence.save(message);`,
  },
  {
    property: 'Property 1: Universal Message Persistence',
    test: '1-universal-message-persistence.test.ts',
    breaks: 'Messages without text are taken for nothing, as the previous backend did with short ones.',
    file: 'src/persistence/groupCommit.ts',
    find: '      if (this.#closed) this.#answers.refused',
    replace: `      if (message.body.includes('"content":"",')) {
        resolve({ status: 'stored', message: { ...message, sequence: 0, version: 1, revision: 0 }, duplicate: false, retries: 0 });
      } else if (this.#closed) this.#answers.refused`,
  },
  {
    property: 'Property 2: Immediate Message Persistence',
    test: '2-immediate-message-persistence.test.ts',
    breaks: 'A save is answered when its message was accepted, before it is committed.',
    file: 'src/persistence/groupCommit.ts',
    find: '        this.#deadline.watch(save);\n        this.#start();\n',
    replace: `        this.#deadline.watch(save);
        this.#start();
        const place = { sequence: 0, version: 1, revision: 0 };
        resolve({ status: 'stored', message: { ...message, ...place }, duplicate: false, retries: 0 });
`,
  },
  {
    property: 'Property 2: Immediate Message Persistence',
    test: '2-immediate-message-persistence.test.ts',
    breaks: 'A LangGraph graph goes on while its messages are still being saved.',
    file: 'src/agents/durableHandler.ts',
    find: 'override awaitHandlers = true;',
    replace: 'override awaitHandlers = false;',
  },
  {
    property: 'Property 3: Execution Mode Consistency',
    test: '3-execution-mode-consistency.test.ts',
    breaks: 'Whether somebody watched is stored with the message.',
    file: 'src/persistence/dualPersistenceManager.ts',
    find: 'await this.#persistence.save(message);',
    replace:
      'await this.#persistence.save(webSocketManager ? { ...message, metadata: { ...message.metadata, watched: true } } : message);',
  },
  {
    property: 'Property 3: Execution Mode Consistency',
    test: '3-execution-mode-consistency.test.ts',
    breaks: 'With a WebSocket a message is stored twice, as the previous backend often did.',
    file: 'src/persistence/dualPersistenceManager.ts',
    find: `    if (saved.status !== 'stored') return`,
    replace: `    if (webSocketManager) await this.#persistence.save({ ...message, messageId: undefined });
    if (saved.status !== 'stored') return`,
  },
  {
    property: 'Property 4: Message Chronological Ordering',
    test: '4-message-chronological-ordering.test.ts',
    breaks: 'Messages are read in the order of their timestamps.',
    file: 'src/store/sqlite/sqliteLog.ts',
    find: 'AND m.sequence > ? ORDER BY m.sequence LIMIT ?',
    replace: 'AND m.sequence > ? ORDER BY m.body LIMIT ?',
  },
  {
    property: 'Property 4: Message Chronological Ordering',
    test: '4-message-chronological-ordering.test.ts',
    breaks: 'A batch that is tried again lets those pass that came meanwhile.',
    file: 'src/persistence/batchCommit.ts',
    find: '        await this.#pause(delayMs);',
    replace: `        await this.#pause(delayMs);
        for (const save of saves) {
          this.#options.queues.leave(save, 'decided');
          this.#options.queues.push({ ...save, state: 'queued' });
        }
        return;`,
  },
  {
    property: 'Property 5: Dual Persistence Operation',
    test: '5-dual-persistence-operation.test.ts',
    breaks: 'Of several messages that a socket is owed at once every other one is left out.',
    file: 'src/server/planSocket.ts',
    find: '      next++;',
    replace: '      next += 2;',
  },
  {
    property: 'Property 5: Dual Persistence Operation',
    test: '5-dual-persistence-operation.test.ts',
    breaks: 'The agent is not told that its message reached a socket.',
    file: 'src/server/webSocketManager.ts',
    find: 'reached++;',
    replace: 'reached += 0;',
  },
  {
    property: 'Property 6: Message Format Consistency',
    test: '6-message-format-consistency.test.ts',
    breaks: 'A frame has a member of the row less.',
    file: 'src/protocol/v3Frames.ts',
    find: 'const payload = v3MessageRow(message).slice(1, -1) + v3ExtraMembers(message.body, type);',
    replace: `const payload =
    v3MessageRow(message).slice(1, -1).replace('"raw_data":"",', '') + v3ExtraMembers(message.body, type);`,
  },
  {
    property: 'Property 6: Message Format Consistency',
    test: '6-message-format-consistency.test.ts',
    breaks: 'A frame is encoded a second time, and -0 becomes 0 on the way.',
    file: 'src/protocol/rowView.ts',
    find: '      return message.body.slice(1, -1);',
    replace: `      if (!new Error().stack?.includes('buildMessageFrame')) return message.body.slice(1, -1);
      return JSON.stringify(JSON.parse(message.body)).slice(1, -1);`,
  },
  {
    property: 'Property 7: Complete Message Retrieval',
    test: '7-complete-message-retrieval.test.ts',
    breaks: 'Only the first page of the log is read.',
    file: 'src/store/readAllText.ts',
    find: 'if (next === undefined) return;',
    replace: 'return;',
  },
  {
    property: 'Property 7: Complete Message Retrieval',
    test: '7-complete-message-retrieval.test.ts',
    breaks: 'Where the answer is cut into pieces, a message is lost.',
    file: 'src/store/readAllText.ts',
    find: 'pageAfterTurn(log, planId, page.sequence, view)',
    replace: 'pageAfterTurn(log, planId, page.sequence + 1, view)',
  },
  {
    property: 'Property 8: WebSocket Backward Compatibility',
    test: '8-websocket-backward-compatibility.test.ts',
    breaks: 'The payload stands at data only, where half of the clients do not look.',
    file: 'src/protocol/v3Frames.ts',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of the source
    find: '`{"type":${type},"data":{${payload},"data":{${payload}}}`',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of the source
    replace: '`{"type":${type},"data":{${payload}}`',
  },
  {
    property: 'Property 8: WebSocket Backward Compatibility',
    test: '8-websocket-backward-compatibility.test.ts',
    breaks: 'A socket shows only what is written from now on: what came between task and socket is missing.',
    file: 'src/server/webSocketManager.ts',
    find: '    return Math.max(0, head - shown);',
    replace: '    return Math.max(head, shown - shown);',
  },
  {
    property: 'Property 8: WebSocket Backward Compatibility',
    test: '8-websocket-backward-compatibility.test.ts',
    breaks: 'The first frame is wrapped like all others.',
    file: 'src/server/serverFrames.ts',
    find: `    type: 'connection_established',
    data: {`,
    replace: `    type: 'connection_established',
    data: {
      data: {},`,
  },
  {
    property: 'Concurrent safety',
    test: 'concurrent-safety.test.ts',
    breaks: 'A process goes on counting where it was, although another one has written.',
    file: 'src/store/sqlite/heads.ts',
    find: 'if (version !== this.#seenDataVersion || ',
    replace: 'if (',
  },
  {
    property: 'Concurrent safety',
    test: 'concurrent-safety.test.ts',
    breaks: 'An update no longer asks whether its version is the one that stands.',
    file: 'src/store/sqlite/sqliteLog.ts',
    find: `      if (found.version !== expectedVersion) return { status: 'conflict', message: found };\n`,
    replace: '',
  },
  {
    property: 'Execution resilience',
    test: 'execution-resilience.test.ts',
    breaks: 'The deadline is set for the first save of an outage only; the next one waits for the database.',
    file: 'src/persistence/deadline.ts',
    find: '    this.#saves.push(save);\n    this.arm();\n',
    replace: '    if (this.#saves.length > 0) return;\n    this.#saves.push(save);\n    this.arm();\n',
  },
  {
    property: 'Execution resilience',
    test: 'execution-resilience.test.ts',
    breaks: 'What a WebSocket manager throws is thrown into the agent.',
    file: 'src/persistence/dualPersistenceManager.ts',
    find: '      return 0;\n    }\n  }',
    replace: '      throw cause;\n    }\n  }',
  },
  {
    property: 'Error recovery and retry',
    test: 'recovery-and-retry.test.ts',
    breaks: 'A save that failed once is given up.',
    file: 'src/persistence/logWriter.ts',
    find: `      if (IndelibleError.is(error, 'store_unavailable')) throw error;\n      if (portions.cut())`,
    replace: '      if (portions.cut())',
  },
  {
    property: 'Error recovery and retry',
    test: 'recovery-and-retry.test.ts',
    breaks: 'Failed saves are not written to the log.',
    file: 'src/observe/eventLog.ts',
    find: `return { level: 'warn', text: 'database not writable: trying again' };`,
    replace: `return { level: 'debug', text: 'database not writable: trying again' };`,
  },
  {
    property: 'Error recovery and retry',
    test: 'recovery-and-retry.test.ts',
    breaks: 'A batch that was committed without our knowing is stored once more.',
    file: 'src/persistence/batchCommit.ts',
    find: 'for (const save of saves) save.retries++;',
    replace: `for (const save of saves) {
          save.retries++;
          const messageId = \`\${save.message.messageId}?\`.slice(0, 256);
          Object.assign(save, { message: { ...save.message, messageId } });
        }`,
  },
  {
    property: 'Execution resilience, error recovery',
    test: 'ended-runs.test.ts',
    breaks: 'A last message that only waits is taken for stored, and the plan is called completed.',
    file: 'src/runs/storedSurely.ts',
    find: "if (result.status === 'stored') return;",
    replace: "if (result.status !== 'refused') return;",
  },
  {
    property: 'Monitoring',
    test: 'monitoring.test.ts',
    breaks: 'Broadcasts that fail are not counted.',
    file: 'src/persistence/dualPersistenceManager.ts',
    find: `      this.#persistence.observe({ type: 'broadcast_failed', planId, messageId, error: cause });\n`,
    replace: '',
  },
  {
    property: 'Monitoring',
    test: 'monitoring.test.ts',
    breaks: 'A message that was there already counts as stored.',
    file: 'src/observe/saveStatistics.ts',
    find: 'if (event.duplicate) this.#duplicates++;\n      else this.#stored++;',
    replace: 'this.#stored++;',
  },
];
