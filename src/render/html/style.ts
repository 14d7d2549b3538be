/** The one style of a report: light and dark, screen, phone and paper. The page's policy allows this text and no other. */
export const STYLE = `
:root { color-scheme: light dark; --text: #1d2733; --faint: #556170; --ground: #fff; --panel: #f4f6f8; --line: #d5dbe1;
  --received: #3b6ea5; --good: #2e7d4f; --waiting: #a86a0f; --bad: #b3261e; --rejected: #6b4fa0; --accent: #2f6096; --focus: #1a5fb4;
  --risk: #fdecea; --heat: 59 110 165; --heat-bad: 132 104 190; --hot: #0b1118; }
@media (prefers-color-scheme: dark) { :root { --text: #e3e8ee; --faint: #a3afbc; --ground: #14191f; --panel: #1d242c; --line: #36404b;
  --received: #74a8dc; --good: #63b986; --waiting: #e0b252; --bad: #f0837b; --rejected: #b19be0; --accent: #86b5e4; --focus: #8ab4f8;
  --risk: #3a1d1c; --heat: 116 168 220; --heat-bad: 177 155 224; } }
@media print { :root { color-scheme: light; --text: #000; --faint: #444; --ground: #fff; --panel: #fff; --line: #bbb; --received: #3b6ea5;
  --good: #2e7d4f; --waiting: #a86a0f; --bad: #b3261e; --rejected: #6b4fa0; --accent: #000; --risk: #fff; --heat: 59 110 165;
  --heat-bad: 132 104 190; } }
* { box-sizing: border-box; }
html { scroll-behavior: smooth; scroll-padding-top: .5rem; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body { margin: 0 auto; max-width: 82rem; padding: .75rem 1rem 3rem; background: var(--ground); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; line-height: 1.25; margin: 0; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; padding-bottom: .2rem; border-bottom: 2px solid var(--line); }
h3 { font-size: 1rem; margin: 1rem 0 .4rem; } main > h2:first-of-type { margin-top: .6rem; }
p { margin: .4rem 0; } a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
code { font: .85em/1.4 ui-monospace, monospace; }
.subject { margin: .15rem 0; color: var(--faint); font-size: .9rem; display: flex; flex-wrap: wrap; gap: 0 1rem; }
.state.partial, .state.none { color: var(--bad); font-weight: 600; }
.alert { margin: .4rem 0; padding: .3rem .7rem; border-left: .4rem solid var(--bad); background: var(--risk); } .alert a { color: var(--bad); font-weight: 700; }
.jump { float: right; margin-left: 1rem; font-size: .9rem; }
ul.tiles { display: grid; grid-template-columns: repeat(6, 1fr); gap: .5rem; list-style: none; padding: 0; margin: .5rem 0 .2rem; }
ul.tiles li > * { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 0 .6rem; align-content: start; height: 100%; padding: .4rem .7rem; border-radius: .3rem;
  background: var(--panel); color: inherit; text-decoration: none; } ul.tiles a:hover { outline: 1px solid var(--accent); }
.tiles .label { font-size: .85rem; color: var(--faint); } .tiles .change { grid-column: 2; font-size: .8rem; text-align: right; color: var(--faint); padding-top: .1rem; }
.change i { font-style: normal; } .change .worse { color: var(--bad); } .change .better { color: var(--good); }
.tiles b { grid-column: 1; font-size: 1.35rem; line-height: 1.3; font-variant-numeric: tabular-nums; }
.tiles .curve { grid-column: 2; justify-self: end; align-self: center; width: 100%; max-width: 6rem; height: 1.4rem; }
.tiles small { grid-column: 1 / -1; font-size: .8rem; line-height: 1.3; color: var(--faint); }
.basis { margin: 0 0 .4rem; font-size: .8rem; color: var(--faint); }
.group { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 0 2rem; } section { grid-column: 1 / -1; min-width: 0; } section.half { grid-column: auto; }
section#series { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 0 2rem; } section#series > * { grid-column: 1 / -1; min-width: 0; } section#series > figure { grid-column: auto; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); } ul.nothing:first-child { margin-top: .2rem; } #totals .scroll, #blocklists .scroll { max-width: 36rem; }
figure { margin: 0 0 .4rem; } section#series > figure { display: flex; flex-direction: column; } #series .chart.wide { margin-top: auto; } figcaption { font-size: .9rem; } .peak { color: var(--faint); padding-left: .4rem; white-space: nowrap; } .chart { display: block; width: 100%; height: auto; font-size: 11px; color: var(--text); background: none; }
.narrow { display: none; }
ul.legend { display: flex; flex-wrap: wrap; gap: 0 1rem; list-style: none; padding: 0; margin: 0; font-size: .85rem; color: var(--faint); }
ul.legend svg { width: .8rem; height: .8rem; margin-right: .35rem; vertical-align: -.08rem; }
ul.problems, ul.nothing { list-style: none; padding: 0; margin: 0; } ul.nothing { grid-column: 1 / -1; color: var(--faint); font-size: .9rem; margin-top: 1rem; }
ul.problems li { border-left: .4rem solid var(--waiting); background: var(--panel); padding: .4rem .8rem; margin: .4rem 0; unicode-bidi: isolate; }
ul.problems li.serious { border-color: var(--bad); } ul.problems li.over { border-color: var(--good); } ul.problems strong { text-transform: capitalize; margin-right: .3rem; }
ul.problems p { margin: 0; } .next { display: flex; flex-wrap: wrap; gap: 0 1rem; align-items: baseline; font-size: .9rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: .9rem; width: 100%; }
caption { text-align: left; }
th, td { text-align: left; vertical-align: top; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid var(--line); }
th { color: var(--faint); font-weight: 600; white-space: nowrap; } .sortable th:last-child, .sortable td:last-child { padding-right: 0; }
th.number, td.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
td.time, td.word { white-space: nowrap; } td.text { min-width: 9rem; unicode-bidi: isolate; } td.text:first-child { min-width: 12rem; } td.sample { min-width: 14rem; font-size: .85rem; } tr:has(+ .prose) td { border-bottom: 0; } .prose td { padding: 0 0 .4rem; font-size: .85rem; color: var(--faint); unicode-bidi: isolate; } .group .group { display: inline; color: var(--faint); }
tbody tr:hover { background: var(--panel); }
.bar { display: flex; justify-content: space-between; align-items: center; gap: .6rem; } .bar span { min-width: 4.5em; } .bar svg { flex: 0 1 14rem; min-width: 3rem; width: 100%; height: .6rem; fill: var(--received); } .bar .was { stroke: var(--text); stroke-width: 2; vector-effect: non-scaling-stroke; }
th button { font: inherit; color: inherit; background: none; border: 0; padding: 0; cursor: pointer; text-align: inherit; } th button::after { content: " ↕"; opacity: .45; }
th[aria-sort=ascending] button::after { content: " ↑"; opacity: 1; } th[aria-sort=descending] button::after { content: " ↓"; opacity: 1; } th[aria-sort] { color: var(--text); }
td .curve { width: 8rem; height: 1.4rem; }
.heat { table-layout: fixed; border-spacing: 1px; border-collapse: separate; print-color-adjust: exact; -webkit-print-color-adjust: exact; } .heat caption { font-size: .9rem; margin-bottom: .3rem; }
.heat th, .heat td { padding: 0; border: 0; text-align: center; font-size: .75rem; line-height: 1.6rem; font-variant-numeric: tabular-nums; white-space: nowrap; color: var(--faint); overflow-wrap: normal; }
.heat tbody td { background: var(--panel); color: var(--text); } .heat .none { background: none; } .heat tr :first-child { width: 2.6rem; text-align: left; } .heat.rejected { --heat: var(--heat-bad); }
.heat .l1 { background: rgb(var(--heat) / .1); } .heat .l2 { background: rgb(var(--heat) / .18); } .heat .l3 { background: rgb(var(--heat) / .26); } .heat .l4 { background: rgb(var(--heat) / .34); }
.heat .l5 { background: rgb(var(--heat) / .42); } .heat .l6, .heat .l7, .heat .l8 { color: var(--hot); background: rgb(var(--heat) / .72); } .heat .l7 { background: rgb(var(--heat) / .79); } .heat .l8 { background: rgb(var(--heat) / .86); }
p.note { color: var(--faint); font-size: .85rem; } summary { cursor: pointer; margin: .4rem 0; color: var(--accent); font-size: .9rem; width: max-content; }
dl.facts { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: 0; } dl.facts dt { color: var(--faint); } dl.facts dd { margin: 0; }
nav h2 { font-size: .85rem; margin: .9rem 0 .1rem; border: 0; padding: 0; color: var(--faint); } nav ul { list-style: none; padding: 0; margin: 0; font-size: .9rem; }
@media (min-width: 66rem) {
  body { display: grid; grid-template-columns: 11rem minmax(0, 1fr); grid-template-rows: auto 1fr; gap: 0 1.5rem; }
  header { grid-column: 2; } main { grid-column: 2; min-width: 0; } .jump { position: absolute; left: -99rem; } .jump:focus { position: static; }
  nav { grid-column: 1; grid-row: 1 / 3; position: sticky; top: .75rem; align-self: start; max-height: calc(100vh - 1.5rem); overflow-y: auto; } nav h2:first-child { margin-top: 0; } nav a { text-decoration: none; } nav a:hover { text-decoration: underline; }
}
@media (max-width: 66rem) { nav { border-top: 2px solid var(--line); margin-top: 2rem; } nav ul { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; } nav li { padding: .2rem 0; } ul.tiles { grid-template-columns: repeat(3, 1fr); } }
@media (max-width: 52rem) { .group, section#series { grid-template-columns: minmax(0, 1fr); } section.half, section#series > figure { grid-column: 1 / -1; } }
@media (max-width: 40rem) {
  body { padding: .6rem .75rem 2rem; } h1 { font-size: 1.15rem; } .wide { display: none; } .narrow { display: block; } table.narrow { display: table; } .heat th, .heat td { font-size: .75rem; } .heat tr :first-child { width: 2.8rem; }
  ul.tiles { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: .35rem; } ul.tiles li > * { padding: .25rem .5rem; } .tiles b { font-size: 1.2rem; line-height: 1.2; } .tiles .curve { height: 1.1rem; } .subject, .alert { font-size: .85rem; }
  .peak { display: block; padding-left: 0; } .cards tbody tr:has(+ .prose) { border-bottom: 0; padding-bottom: 0; } .cards .prose td:first-child { flex: 1 0 100%; font-weight: 400; }
  dl.facts { grid-template-columns: minmax(0, 1fr); } dl.facts dd { margin-bottom: .4rem; }
  .cards, .cards tbody { display: block; } .cards thead { display: none; } .cards.sorts thead { display: block; } .cards thead tr { display: flex; flex-wrap: wrap; gap: .1rem 1rem; } .cards thead tr::before { content: "Sort by"; color: var(--faint); } .cards th { border: 0; padding: .25rem 0; white-space: normal; }
  .cards tbody tr { display: flex; flex-wrap: wrap; gap: 0 1rem; padding: .35rem 0; border-bottom: 1px solid var(--line); } .cards td { border: 0; padding: 0; min-width: 0; white-space: normal; text-align: left; } .cards td:first-child, .cards td.sample { flex: 1 0 100%; } .cards td:first-child { font-weight: 600; } .cards td.empty { display: none; }
  .cards td[data-label]::before { content: attr(data-label) " "; color: var(--faint); font-weight: 400; } .bar { display: inline; } .bar svg { display: none; } .sortable td.text:first-child { min-width: 0; } .sortable td.word, .sortable th { white-space: normal; }
}
@media print { section, tr, figure, li { break-inside: avoid; } h2, h3 { break-after: avoid; } nav, .jump, summary { display: none; } body { display: block; max-width: none; padding: 0; font-size: .85rem; } th button::after { content: ""; } .scroll { overflow: visible; } }
`;
