/** The one style of a report: light and dark, screen, phone and paper. The page's policy allows this text and no other. */
export const STYLE = `
:root { color-scheme: light dark; --text: #1d2733; --faint: #5b6775; --ground: #fff; --panel: #f4f6f8; --line: #d5dbe1;
  --received: #3b6ea5; --good: #2e7d4f; --waiting: #b7791f; --bad: #b3261e; --rejected: #6b4fa0; --accent: #3b6ea5; --focus: #1a5fb4; }
@media (prefers-color-scheme: dark) { :root { --text: #e3e8ee; --faint: #9aa7b5; --ground: #14191f; --panel: #1d242c; --line: #36404b;
  --received: #74a8dc; --good: #63b986; --waiting: #e0b252; --bad: #f0837b; --rejected: #b19be0; --accent: #74a8dc; --focus: #8ab4f8; } }
@media print { :root { color-scheme: light; --text: #000; --faint: #444; --ground: #fff; --panel: #fff; --line: #bbb; --received: #3b6ea5;
  --good: #2e7d4f; --waiting: #b7791f; --bad: #b3261e; --rejected: #6b4fa0; --accent: #3b6ea5; }
  section, tr, figure { break-inside: avoid; } nav, .skip { display: none; } body { max-width: none; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; background: var(--ground); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: .5rem 0; } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
a { color: var(--accent); } a:focus-visible, [tabindex]:focus-visible, summary:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
.skip { position: absolute; left: -99rem; } .skip:focus { position: static; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1rem; list-style: none; padding: 0; margin: .75rem 0 0; }
dl.facts { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; margin: 0; color: var(--faint); } dl.facts dd { margin: 0; }
ul.problems { list-style: none; padding: 0; margin: 0; } ul.problems li { border-left: .4rem solid var(--waiting); background: var(--panel);
  padding: .4rem .8rem; margin: .4rem 0; } ul.problems li.serious { border-color: var(--bad); } ul.problems strong { text-transform: capitalize; }
ul.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .5rem; list-style: none; padding: 0; }
ul.figures li { background: var(--panel); padding: .5rem .8rem; } ul.figures b { display: block; font-size: 1.5rem; line-height: 1.2; }
figure { margin: .5rem 0; } .chart { display: block; max-width: 100%; height: auto; font-size: 11px; color: var(--text); background: none; }
.narrow { display: none; } @media (max-width: 40rem) { .wide { display: none; } .narrow { display: block; } }
ul.legend { display: flex; flex-wrap: wrap; gap: 0 1.2rem; list-style: none; padding: 0; margin: 0; font-size: .9rem; }
ul.legend svg { width: .8rem; height: .8rem; margin-right: .4rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: .9rem; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .25rem .6rem .25rem 0; border-bottom: 1px solid var(--line); }
th { color: var(--faint); font-weight: 600; white-space: nowrap; } th.number, td.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
td.time, td.word, td.path { white-space: nowrap; } td.text { min-width: 8rem; } td.sample { min-width: 14rem; font-family: ui-monospace, monospace; font-size: .8rem; }
td.child { padding-left: 1.2rem; } p.note { color: var(--faint); font-size: .9rem; } summary { cursor: pointer; margin: .5rem 0; }
td .curve { width: 8rem; height: 1.4rem; }
`;
