import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium } from 'playwright-core';
import { onTestFinished } from 'vitest';
import { listenOnFreePort } from '../../src/testing/freePort.ts';
import { bundleForBrowsers } from './bundle.ts';

const example = new URL('../../examples/react/', import.meta.url);

/** Debian's, or the one that is named. */
const chromiumPath = process.env['INDELIBLE_TEST_CHROMIUM'] ?? '/usr/bin/chromium';
/** A machine without one passes over what needs it; what CI runs on must have one. */
export const hasChromium = existsSync(chromiumPath) || process.env['CI'] !== undefined;

export function startChromium(): Promise<Browser> {
  const flags = '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking';
  return chromium.launch({
    executablePath: chromiumPath,
    args: [...flags.split(' '), '--disable-component-update', '--disable-sync'],
  });
}

/** Serves the page of examples/react, bundled as it would be for readers. Answers its address. */
export async function servePage(entry = 'examples/react/main.tsx'): Promise<string> {
  const { code } = await bundleForBrowsers(entry);
  const text = (name: string) => readFileSync(fileURLToPath(new URL(name, example)), 'utf8');
  const files: Readonly<Record<string, readonly [type: string, text: string]>> = {
    '/': ['text/html', text('index.html').replace('./main.tsx', './main.js')],
    '/main.js': ['text/javascript', code],
    '/conversation.css': ['text/css', text('conversation.css')],
  };
  const server = createServer(({ url = '/' }, response) => {
    const [type, body] = files[url.replace(/\?.*/, '')] ?? [];
    response.writeHead(body === undefined ? 404 : 200, { 'content-type': `${type ?? 'text/plain'}; charset=utf-8` });
    response.end(body);
  });
  const port = await listenOnFreePort(server);
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${port}/`;
}
