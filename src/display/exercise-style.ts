/** Of every page about exercises. */
export const EXERCISE_STYLE = `
:root{color-scheme:light dark;--ground:#f5f6f8;--card:#fff;--text:#1c2330;--dim:#667085;--line:#e3e6ec;--good:#1a7f4b;--bad:#c4283b;--warn:#a36a00;--good-soft:#e5f5ec;--bad-soft:#fdecee;--s0:#98a2b3;--s1:#3b6fd4;--s2:#8a4fc4;--s3:#0f8a8a;--s4:#c76a15;--s5:#b83280}
@media(prefers-color-scheme:dark){:root{--ground:#12151b;--card:#1b2029;--text:#e6e9ef;--dim:#98a2b3;--line:#2c333f;--good:#4cc38a;--bad:#ff6b7d;--warn:#e5a93c;--good-soft:#16291f;--bad-soft:#33191e;--s0:#667085;--s1:#6b9bff;--s2:#b98af0;--s3:#3fc1c1;--s4:#f0954a;--s5:#ec6fb4}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif}
main{max-width:1080px;margin:0 auto;padding:24px 20px 64px}
header{background:var(--card);border:1px solid var(--line);border-left:6px solid var(--good);border-radius:10px;padding:20px 24px}
header.failed{border-left-color:var(--bad)}
h1{font-size:24px;margin:0}
h2{font-size:18px;margin:32px 0 12px}
h3{font-size:15px;margin:0}
h4{font-size:12px;margin:12px 0 2px;color:var(--dim);font-weight:600;text-transform:uppercase;letter-spacing:.04em}
.verdict{float:right;margin:0;font-size:18px;font-weight:700;color:var(--good);background:var(--good-soft);padding:6px 14px;border-radius:8px}
.failed .verdict{color:var(--bad);background:var(--bad-soft)}
.id{display:block;margin:0;color:var(--dim);font:12px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
.where{margin:6px 0 0;color:var(--dim)}
header dl{display:flex;flex-wrap:wrap;gap:12px 36px;margin:18px 0 0}
dt{color:var(--dim);font-size:12px}
dd{margin:0}
header dd{font-size:20px;font-weight:650;font-variant-numeric:tabular-nums}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:16px 18px;margin:0 0 12px}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(310px,1fr));gap:12px}
.cards .card{margin:0}
.failure{border-left:4px solid var(--bad)}
.scenario.failed{border-top:3px solid var(--bad)}
.scenario.passed{border-top:3px solid var(--good)}
.scenario.skipped{border-top:3px solid var(--s0)}
.tag{float:right;font-size:12px;font-weight:600;padding:1px 8px;border-radius:6px;color:var(--bad);background:var(--bad-soft)}
.tag.passed{color:var(--good);background:var(--good-soft)}
.tag.skipped{color:var(--dim);background:var(--ground)}
.pairs{display:grid;grid-template-columns:max-content 1fr;gap:2px 14px;margin:8px 0 0}
.pairs dd{overflow-wrap:anywhere}
ul{margin:0;padding-left:18px;overflow-wrap:anywhere}
.notes{padding-left:34px}
li.failed{color:var(--bad)}
.from{color:var(--dim);font-size:12px}
code{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.objective-row{display:grid;grid-template-columns:96px 1fr max-content;gap:10px;align-items:center;margin:8px 0 0;font-size:13px;font-variant-numeric:tabular-nums}
.meter{height:8px;border-radius:4px;background:var(--ground);border:1px solid var(--line);overflow:hidden}
.meter i{display:block;height:100%;background:var(--good)}
.meter.missed i{background:var(--bad)}
svg{display:block;width:100%;height:auto;font:13px system-ui,-apple-system,"Segoe UI",sans-serif}
svg text{fill:var(--text)}
svg .tick{fill:var(--dim);font-size:11px}
svg .label.failed{fill:var(--bad);font-weight:650}
svg .label.skipped{fill:var(--dim)}
svg .grid{stroke:var(--line)}
svg .objective{stroke:var(--warn);stroke-width:1.5;stroke-dasharray:5 4;fill:none}
svg .objective-label{fill:var(--warn);font-size:11px}
svg .trend{stroke:var(--s1);stroke-width:1.5;fill:none}
svg circle.met{fill:var(--good)}
svg circle.missed,svg text.missed{fill:var(--bad)}
.s0{fill:var(--s0);background:var(--s0)}.s1{fill:var(--s1);background:var(--s1)}.s2{fill:var(--s2);background:var(--s2)}.s3{fill:var(--s3);background:var(--s3)}.s4{fill:var(--s4);background:var(--s4)}.s5{fill:var(--s5);background:var(--s5)}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px;margin:10px 0 0;color:var(--dim);font-size:13px}
.legend i{display:inline-block;width:10px;height:10px;border-radius:3px;margin-right:6px}
.trends{display:grid;grid-template-columns:repeat(auto-fill,minmax(320px,1fr));gap:8px 20px;margin-top:8px}
figure{margin:0}
figcaption{color:var(--dim);font-size:12px}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%}
th{text-align:left;color:var(--dim);font-size:12px;font-weight:600}
th,td{padding:7px 10px 7px 0;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}
tr:last-child td{border-bottom:0}
.checks td:nth-child(1){width:24px}
.checks td:nth-child(2){width:38%}
tr.failed td:first-child{color:var(--bad)}
tr.passed td:first-child{color:var(--good)}
tr.skipped{color:var(--dim)}
.number{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
.more{color:var(--dim);font-size:13px;margin:8px 0 0;overflow-wrap:anywhere}
@media print{body{background:#fff}.card,header{break-inside:avoid}}
`;
