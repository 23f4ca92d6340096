/** What the client hears of the page that it runs in. In Node nothing of this happens. */
export interface PageEvents {
  addEventListener?(type: string, listener: () => void): void;
  removeEventListener?(type: string, listener: () => void): void;
}

export interface PageListeners {
  /** The network is back, or the page is looked at again: what it showed may be old. */
  readonly back: () => void;
  /** The page is left; nothing may run after this. */
  readonly left: () => void;
}

/** The answer ends it. */
export function listenToPage(page: PageEvents, { back, left }: PageListeners): () => void {
  const listeners = { online: back, pageshow: back, focus: back, pagehide: left };
  for (const [type, listener] of Object.entries(listeners)) page.addEventListener?.(type, listener);
  return () => {
    for (const [type, listener] of Object.entries(listeners)) page.removeEventListener?.(type, listener);
  };
}
