/** Of the report: readable on a screen and on paper, no fonts to be loaded. */
export const style = `
:root{--ink:#0f172a;--soft:#64748b;--line:#e2e8f0;--paper:#fff}
*{box-sizing:border-box}
body{margin:0;background:#f1f5f9;color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",sans-serif}
main{max-width:1200px;margin:0 auto;padding:36px 40px 56px;background:var(--paper)}
h1{margin:0 0 6px;font-size:30px;letter-spacing:-.02em}
h2{margin:36px 0 10px;font-size:18px;letter-spacing:-.01em}
p{margin:0 0 8px;max-width:86ch}
small{color:var(--soft)}
code{font:13px/1.4 ui-monospace,"DejaVu Sans Mono",monospace;background:#f1f5f9;padding:1px 5px;border-radius:4px}
.verdict{margin-top:20px;padding:14px 18px;border-radius:8px;border-left:5px solid}
.verdict h2{margin:0}
.kept{background:#ecfdf5;border-color:#059669}
.kept h2{color:#065f46}
.broken{background:#fef2f2;border-color:#dc2626}
.broken h2{color:#991b1b}
.tiles{display:grid;grid-template-columns:repeat(4,1fr);gap:10px;margin-top:14px}
.tiles div{border:1px solid var(--line);border-radius:8px;padding:10px 14px}
.tiles b{display:block;font-size:21px;letter-spacing:-.02em;font-variant-numeric:tabular-nums}
.tiles span{color:var(--soft);font-size:13px}
.kinds,.legend{font-size:13px;color:var(--soft)}
.kinds{max-width:none;display:flex;flex-wrap:wrap;gap:4px 0;align-items:center}
.kinds span,.legend span{display:inline-flex;align-items:center;margin-right:16px}
.kinds i,.legend i{display:inline-block;width:14px;height:14px;margin-right:6px;border-radius:3px;font:700 10px/14px sans-serif;color:#fff;text-align:center}
.legend{float:right}
.legend span{margin:0 0 0 16px}
.legend i{width:10px;height:10px}
i.kill{background:#475569}
i.pause{background:#dcfce7;border:1px solid #86efac}
figure{margin:14px 0 0}
figcaption em{font-style:normal;color:var(--soft);font-size:13px;margin-left:6px}
svg{display:block;width:100%;height:auto}
.grid{stroke:#cbd5e1;stroke-width:.6}
.tick{font-size:11px;fill:#64748b}
.code{font-size:11px;font-weight:700;fill:#fff;text-anchor:middle}
.kill{fill:#475569}
.kill-name{font-size:9px;fill:#fff;font-weight:700}
.killed{stroke:#475569;stroke-width:.8;stroke-dasharray:1 3}
.pause{fill:#dcfce7;opacity:.9}
table{border-collapse:collapse;width:100%;font-size:13px;font-variant-numeric:tabular-nums}
th{text-align:left;font-weight:600;color:var(--soft);border-bottom:1px solid #94a3b8;padding:3px 8px}
td{border-bottom:1px solid var(--line);padding:3px 8px}
.n{text-align:right}
.halves{display:grid;grid-template-columns:1fr 1fr;gap:0 36px;align-items:start}
.narrow{max-width:1000px}
.prose li{max-width:86ch;margin-bottom:5px}
.dot{display:inline-block;width:9px;height:9px;border-radius:2px;margin-right:7px}
@media print{body{background:#fff}main{padding:0}}
@media(max-width:800px){main{padding:20px}.tiles{grid-template-columns:1fr 1fr}.halves{grid-template-columns:1fr}.legend{float:none;display:block}}
`;
