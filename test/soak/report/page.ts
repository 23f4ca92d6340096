import type { SoakRecord } from '../soakRecord.ts';

export function soakPage(record: SoakRecord): string {
  return `<!doctype html><title>Soak</title><pre>${JSON.stringify(record.verdict)}</pre>`;
}
