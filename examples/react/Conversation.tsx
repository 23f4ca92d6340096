import type { PlanDraft, PlanGap, PlanMessage, PlanState } from 'indelible/client';
import { usePlan } from 'indelible/react';
import { memo, type ReactNode, useEffect } from 'react';
import { useStickyEnd } from './useStickyEnd.ts';

const stateText: Record<PlanState, string> = {
  connecting: 'Connecting',
  catching_up: 'Catching up',
  live: 'Live',
  offline: 'Offline',
};

/** One plan: what its agents have written, what they are writing, and how fresh that is. */
export function Conversation({ planId }: { readonly planId: string }) {
  const plan = usePlan(planId);
  const { end, isAtEnd } = useStickyEnd(plan);

  useEffect(() => {
    if (isAtEnd && plan.unread > 0) plan.markRead();
  }, [isAtEnd, plan]);

  return (
    <main className="conversation" data-state={plan.state}>
      <header>
        <h1>{planId}</h1>
        <span className="count">{plan.messages.length === 1 ? '1 message' : `${plan.messages.length} messages`}</span>
        <output className={`state ${plan.state}`}>{stateText[plan.state]}</output>
      </header>
      {plan.state === 'offline' && (
        <p className="notice" role="status">
          {plan.error?.message ?? 'The connection was lost. What is missing comes when it is back.'}
        </p>
      )}
      <ol aria-live="polite">
        {withGaps(plan.messages, plan.gaps)}
        {plan.drafts.map((draft) => (
          <Draft key={draft.draftId} draft={draft} />
        ))}
      </ol>
      {plan.messages.length + plan.drafts.length === 0 && <p className="empty">Nothing was written yet.</p>}
      <div ref={end} />
    </main>
  );
}

/** The messages, and a line where some were taken out of the log. */
function withGaps(messages: readonly PlanMessage[], gaps: readonly PlanGap[]): ReactNode[] {
  const items = messages.map((message) => <Message key={message.messageId} message={message} />);
  for (const gap of gaps.toReversed()) {
    const index = messages.findIndex(({ sequence }) => sequence > gap.to);
    items.splice(index < 0 ? items.length : index, 0, <Gap key={`gap ${gap.from}`} gap={gap} />);
  }
  return items;
}

/** A message is the same object until it says something else, so only what is new is drawn. */
const Message = memo(function Message({ message }: { readonly message: PlanMessage }) {
  const { agentName, content, timestamp, type, stored, version } = message;
  const time = new Date(timestamp).toLocaleTimeString([], { hour: 'numeric', minute: '2-digit' });
  return (
    <li className={`message ${type}`} data-sequence={message.sequence}>
      <Speaker name={agentName}>
        <time dateTime={timestamp}>{time}</time>
        {version > 1 && <span className="mark">edited</span>}
        {!stored && <span className="mark">waits for the database</span>}
      </Speaker>
      {content === '' ? <p className="content silent">used a tool</p> : <p className="content">{content}</p>}
    </li>
  );
});

function Draft({ draft: { agentName, text } }: { readonly draft: PlanDraft }) {
  return (
    <li className="message draft">
      <Speaker name={agentName}>
        <span className="mark">writing</span>
      </Speaker>
      <p className="content">{text}</p>
    </li>
  );
}

function Speaker({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  const hue = [...name].reduce((sum, letter) => (sum * 31 + (letter.codePointAt(0) ?? 0)) % 360, 0);
  return (
    <div className="speaker">
      <span className="initial" style={{ background: `hsl(${hue} 45% 42%)` }} aria-hidden="true">
        {[...name][0]}
      </span>
      <strong>{name}</strong>
      {children}
    </div>
  );
}

function Gap({ gap: { from, to } }: { readonly gap: PlanGap }) {
  return <li className="gap">{from === to ? `Message ${from} is` : `Messages ${from} to ${to} are`} no longer kept</li>;
}
