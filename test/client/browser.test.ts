import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../../src/testing/contract/availability.ts';
import { startTcpProxy } from '../../src/testing/tcpProxy.ts';
import { getJson } from '../server/http.ts';
import { type TestServer, testServer } from '../server/testServer.ts';
import { hasChromium, servePage, startChromium } from './page.ts';

const planId = 'trip to Lisbon';
const cuts = 20;
const sentences = [
  'The night bus leaves Madrid at 22:30 and arrives at 05:45.',
  'Two seats are left, at 42 € each.',
  'There is a room near the Oriente station for 71 €.',
  'Rain until noon on Saturday, then sun.',
];

/** What the page shows of the log, in order. */
function shown(page: Page): Promise<string[]> {
  return page.locator('li.message:not(.draft) .content').allTextContents();
}

async function stored({ api }: TestServer): Promise<string[]> {
  const { messages } = await getJson(`${api}/plan?plan_id=${encodeURIComponent(planId)}`);
  return messages.map(({ content }: { content: string }) => content);
}

/** Agents that answer in turns, word by word; the answer's message takes the place of its draft. */
function agents({ indelible }: TestServer) {
  let answers = 0;
  return {
    async say(paused: () => Promise<unknown> = async () => {}): Promise<void> {
      const messageId = `answer-${++answers}`;
      const agentName = ['Planner', 'Researcher', 'Buyer'][answers % 3] ?? '';
      const content = `${answers}. ${sentences[answers % sentences.length]}`;
      indelible.live.streamStarted(planId, messageId, agentName);
      for (const word of content.split(/(?<= )/)) indelible.live.streamDelta(planId, messageId, agentName, word);
      await paused();
      indelible.live.streamEnded(planId, messageId, agentName, content);
      const { status } = await indelible.save({ planId, messageId, agentName, content });
      expect(status).toBe('stored');
    },
  };
}

async function openPage(entry: string, query: Readonly<Record<string, string>>) {
  const browser = await startChromium();
  onTestFinished(() => browser.close());
  const page = await browser.newPage({ viewport: { width: 900, height: 1_000 } });
  const failures: string[] = [];
  page.on('pageerror', (error) => failures.push(String(error)));
  const url = await servePage(entry);
  await page.goto(`${url}?${new URLSearchParams(query)}`);
  return { page, failures };
}

describe.skipIf(!hasChromium)('In Chromium', () => {
  it(`P8: a page shows what GET answers after ${cuts} breaks of the network and a reload in the middle of an answer`, async () => {
    const server = await testServer();
    const proxy = await startTcpProxy({ target: server.url });
    onTestFinished(() => proxy.close());
    const { say } = agents(server);
    await say();
    const { page, failures } = await openPage('examples/react/main.tsx', {
      plan: planId,
      server: proxy.through(server.url),
    });
    await page.locator('.state.live').waitFor();

    for (let cut = 1; cut <= cuts; cut++) {
      await say();
      if (cut % 4 === 0) {
        // Gone without a word, while an answer is being written; the page learns of it when the network is back.
        await say(() => proxy.blackHole());
        await proxy.reset();
      } else {
        await proxy.refuse();
        await page.locator('.state.offline').waitFor();
      }
      await say();
      await proxy.pass();
      await page.evaluate(`dispatchEvent(new Event('online'))`);
      await page.locator('.state.live').waitFor();
    }
    expect(proxy.accepted).toBeGreaterThan(cuts);

    await say(async () => {
      await page.locator('.draft', { hasText: /\d/ }).waitFor();
      await page.reload();
      await page.locator('.state.live').waitFor();
      await page.locator('.draft', { hasText: /\.$/ }).waitFor();
      const folder = mkdtempSync(join(tmpdir(), 'indelible-page-'));
      await page.screenshot({ path: join(folder, 'conversation.png') });
      process.stdout.write(`screenshot: ${join(folder, 'conversation.png')}\n`);
    });
    const expected = await stored(server);
    await eventually('the page shows all', async () => (await shown(page)).length >= expected.length);
    expect(await shown(page)).toEqual(expected);
    expect(await page.locator('.draft').count()).toBe(0);
    expect(failures).toEqual([]);
  }, 120_000);

  it('components in StrictMode see the same of a plan in one rendering, over one subscription, which ends with them', async () => {
    const server = await testServer();
    await server.save(planId, 1, 50);
    const { page, failures } = await openPage('test/client/pages/severalViews.tsx', {
      plan: planId,
      server: server.url,
    });
    await eventually('all views show the plan', async () => (await page.locator('[data-count="50"]').count()) === 3);
    await server.save(planId, 51, 150);
    await eventually('all views follow', async () => (await page.locator('[data-count="150"]').count()) === 3);
    const seen = await page.evaluate(() => (globalThis as unknown as { seen: object }).seen);
    expect(seen).toMatchObject({ torn: 0, sockets: 1, subscribes: 1, unsubscribes: 0 });
    await page.getByRole('button', { name: 'leave' }).click();
    await eventually('nobody watches any more', () =>
      page.evaluate(() => (globalThis as unknown as { seen: { unsubscribes: number } }).seen.unsubscribes === 1),
    );
    expect(failures).toEqual([]);
  }, 60_000);
});
