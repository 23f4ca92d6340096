import { createElement } from 'react';
import { renderToString } from 'react-dom/server';
import { describe, expect, it } from 'vitest';
import { IndelibleProvider, usePlan, usePlans } from '../../src/client/react.ts';
import { fakeClient } from './fakeClient.ts';
import { planId } from './frames.ts';

function Shown() {
  const plan = usePlan(planId);
  const list = usePlans([planId]);
  return createElement('p', null, `${plan.state} ${plan.messages.length} ${list.state} ${list.plans.length}`);
}

describe('The hooks', () => {
  it('show an empty plan when they are rendered on a server, and connect to nothing', () => {
    const { client, server } = fakeClient();
    const page = createElement(IndelibleProvider, { client }, createElement(Shown));
    expect(renderToString(page)).toBe('<p>connecting 0 loading 0</p>');
    expect(server.sockets).toHaveLength(0);
  });

  it('say what is missing where there is no provider', () => {
    expect(() => renderToString(createElement(Shown))).toThrow(
      expect.objectContaining({ code: 'invalid_config', field: 'client' }),
    );
  });
});
