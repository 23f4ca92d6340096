import { useEffect, useLayoutEffect, useRef, useState } from 'react';

/** Keeps the end of the page in view while it grows, unless the reader has scrolled away from it. */
export function useStickyEnd(content: unknown) {
  const end = useRef<HTMLDivElement>(null);
  const [isAtEnd, setAtEnd] = useState(true);

  useEffect(() => {
    if (end.current === null) return;
    const observer = new IntersectionObserver(([entry]) => setAtEnd(entry?.isIntersecting === true), {
      rootMargin: '0px 0px 160px 0px',
    });
    observer.observe(end.current);
    return () => observer.disconnect();
  }, []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: whenever the content has changed
  useLayoutEffect(() => {
    if (isAtEnd) end.current?.scrollIntoView({ block: 'end' });
  }, [content, isAtEnd]);

  return { end, isAtEnd };
}
