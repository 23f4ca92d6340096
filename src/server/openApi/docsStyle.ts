/** How the page looks, in the light and in the dark, on a desk and on a phone. */
export const docsStyle = `
:root { color-scheme: light dark; --text: #1b1f24; --dim: #5b6570; --line: #e1e5ea; --ground: #fff; --aside: #f6f8fa;
  --link: #0b57d0; --get: #1a6fb8; --post: #1b7f4b; --put: #9a6200; --delete: #b3261e; --bad: #b3261e; --good: #1b7f4b }
@media (prefers-color-scheme: dark) { :root { --text: #e3e7ec; --dim: #9aa5b1; --line: #2c333b; --ground: #14181d;
  --aside: #1a2027; --link: #8ab4f8; --get: #79b8ff; --post: #6fd39b; --put: #e6b450; --delete: #ff8a80; --bad: #ff8a80;
  --good: #6fd39b } }
* { box-sizing: border-box }
html { scroll-padding-top: 1.5rem }
body { margin: 0; display: grid; grid-template-columns: 17.5rem minmax(0, 1fr); color: var(--text);
  background: var(--ground); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif }
a { color: var(--link); text-decoration: none }
a:hover, a:focus-visible { text-decoration: underline }
code, pre { font: 0.875em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace }
small { color: var(--dim); font-size: 0.8125rem }
nav { position: sticky; top: 0; height: 100vh; overflow-y: auto; padding: 1.5rem 1rem 2rem 1.5rem;
  background: var(--aside); border-right: 1px solid var(--line); font-size: 0.875rem }
nav .name { margin: 0; font-size: 1.0625rem; font-weight: 650 }
nav .name a { color: inherit }
nav h2 { margin: 1.5rem 0 0.375rem; font-size: 0.75rem; font-weight: 600; color: var(--dim) }
nav ul { list-style: none; margin: 0; padding: 0 }
nav li a { display: flex; gap: 0.5rem; align-items: baseline; padding: 0.1875rem 0; color: var(--text) }
nav li span { overflow-wrap: anywhere }
main { max-width: 54rem; padding: 2.5rem 3rem 6rem; min-width: 0 }
h1 { margin: 0 0 0.75rem; font-size: 1.875rem; line-height: 1.2; letter-spacing: -0.01em }
main > h2 { margin: 3.5rem 0 0; font-size: 1.375rem; line-height: 1.25; letter-spacing: -0.01em }
section { padding: 1.5rem 0 2rem; border-bottom: 1px solid var(--line) }
h3 { margin: 0 0 0.25rem; font-size: 1.0625rem; line-height: 1.4 }
h4 { margin: 1.5rem 0 0.25rem; font-size: 0.8125rem; font-weight: 600; color: var(--dim) }
p { margin: 0.5rem 0; max-width: 44rem }
.call { display: flex; gap: 0.625rem; align-items: baseline; margin: 0 0 0.75rem }
.call i { font-style: normal; color: var(--dim) }
.call code { font-size: 0.9375rem }
.method { flex: none; font: 700 0.6875rem/1 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  letter-spacing: 0.02em }
nav .method { width: 3.125rem }
.get { color: var(--get) } .post { color: var(--post) } .put { color: var(--put) } .delete { color: var(--delete) }
pre { margin: 0.75rem 0; padding: 0.75rem 1rem; overflow-x: auto; background: var(--aside); border-radius: 6px }
.wide { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-size: 0.9375rem }
td { padding: 0.4375rem 1rem 0.4375rem 0; vertical-align: top; border-top: 1px solid var(--line) }
tr:first-child td { border-top: 0 }
td:first-child { width: 14rem; white-space: nowrap }
td:first-child small { margin-left: 0.5rem }
td:nth-child(2) { width: 13rem }
td:nth-child(2) code { white-space: nowrap }
.answers { display: grid; grid-template-columns: 3rem 1fr; gap: 0.375rem 0.75rem; margin: 0.25rem 0; font-size: 0.9375rem }
.answers dt { font-weight: 600; font-variant-numeric: tabular-nums }
.answers dd { margin: 0 }
.answers .type { font-size: 0.875rem }
.s2, .s1 { color: var(--good) } .s4, .s5 { color: var(--bad) }
@media (max-width: 52rem) {
  body { display: block }
  nav { position: static; height: auto; max-height: 17rem; border-right: 0; border-bottom: 1px solid var(--line);
    padding: 1rem 1.25rem }
  main { padding: 1.5rem 1.25rem 4rem }
  table, tbody, tr, td { display: block; width: auto }
  td, td:first-child, td:nth-child(2) { width: auto; padding: 0; border: 0 }
  tr { padding: 0.5rem 0; border-top: 1px solid var(--line) }
  tr:first-child { border-top: 0 }
}
@media print { nav { display: none } body { display: block } }
`;
