"""How the report looks: inside the page, for light, dark and paper."""

STYLE = """
:root { color-scheme: light dark; --text: #1d2733; --soft: #5d6b7a; --page: #f6f7f9; --card: #fff; --line: #dde3ea; --mark: #1668c7;
  --good: #12784a; --bad: #b3261e; --unsure: #8a5a00; --cell: 22 104 199; --error: 179 38 30; }
@media (prefers-color-scheme: dark) { :root { --text: #e6ebf1; --soft: #9aa8b7; --page: #12171d; --card: #1b222b; --line: #303a46;
  --mark: #6cb0ff; --good: #5fd39a; --bad: #ff8a80; --unsure: #f0b95a; --cell: 108 176 255; --error: 255 138 128; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 24px 16px 48px; max-width: 1080px; background: var(--page); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
h1 { font-size: 26px; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 17px; margin: 0 0 10px; }
section, header { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 16px 20px; margin-bottom: 14px; }
header p { margin: 6px 0 0; color: var(--soft); overflow-wrap: anywhere; }
.badge { display: inline-block; padding: 1px 10px; border: 1px solid; border-radius: 99px; font-size: 14px; font-weight: 600;
  white-space: nowrap; }
h1 .badge { vertical-align: 4px; margin-left: 8px; }
.Passed, .Succeeded { color: var(--good); }
.Failed { color: var(--bad); }
.Unknown, .Cancelled { color: var(--unsure); }
.figures { display: flex; flex-wrap: wrap; gap: 10px 36px; margin-top: 14px; }
.figures div { min-width: 90px; }
.figures b { display: block; font-size: 22px; line-height: 1.2; }
.figures span { color: var(--soft); font-size: 13px; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: 5px 12px 5px 0; border-top: 1px solid var(--line); vertical-align: top; }
thead th { border-top: 0; color: var(--soft); font-weight: 500; font-size: 13px; }
tbody th { font-weight: 500; }
td { overflow-wrap: anywhere; }
td:first-child { overflow-wrap: break-word; min-width: 70px; }
.scroll table:not(.matrix) { min-width: 560px; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.facts th { width: 170px; color: var(--soft); font-weight: 400; }
a { color: var(--mark); }
.curves { display: grid; grid-template-columns: repeat(auto-fill, minmax(300px, 1fr)); gap: 14px; }
figure { margin: 0; }
figcaption { display: flex; justify-content: space-between; gap: 8px; font-size: 13px; color: var(--soft); }
figcaption span { overflow-wrap: anywhere; }
figcaption b { color: var(--text); }
svg, img { width: 100%; height: auto; display: block; }
img { max-width: 640px; }
.grid { stroke: var(--line); }
.tick { fill: var(--soft); font-size: 11px; }
.curve { fill: none; stroke: var(--mark); stroke-width: 2; stroke-linejoin: round; }
.dot { fill: var(--mark); }
.scroll { overflow-x: auto; }
.matrix { width: auto; font-variant-numeric: tabular-nums; }
.matrix caption { text-align: left; color: var(--soft); font-size: 13px; padding-bottom: 6px; }
.matrix td, .matrix th { text-align: center; padding: 4px 6px; min-width: 34px; border: 2px solid var(--card); font-size: 13px; }
.matrix tbody th { text-align: right; }
.matrix .right { background: rgb(var(--cell) / calc(var(--share) * .75)); }
.matrix .wrong { background: rgb(var(--error) / calc(var(--share) * .9)); }
h3 { font-size: 14px; margin: 16px 0 4px; color: var(--soft); font-weight: 500; }
.key { margin: 0 0 8px; font-size: 13px; color: var(--soft); display: flex; flex-wrap: wrap; gap: 4px 16px; }
.key i { display: inline-block; width: 11px; height: 11px; border-radius: 3px; margin-right: 6px; }
.part0 { background: var(--mark); }
.part1 { background: #e0a03a; }
.part2 { background: #8a63c9; }
.bars th { width: 1%; max-width: 260px; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; padding-right: 16px; }
.bars td.bar { vertical-align: middle; }
.bar i { display: inline-block; height: 14px; vertical-align: middle; }
.bar i:first-child { border-radius: 3px 0 0 3px; }
.bar i:last-child { border-radius: 0 3px 3px 0; }
.bars .number { width: 1%; padding-left: 12px; }
.figures.changes { margin: 0 0 12px; }
.samples { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 16px; align-items: end; }
.samples:has(p) { grid-template-columns: repeat(auto-fill, minmax(280px, 1fr)); align-items: start; }
.samples img { width: auto; max-width: 100%; max-height: 160px; border-radius: 6px; }
.samples p { margin: 0; font-size: 14px; overflow-wrap: anywhere; }
.samples figcaption { margin-top: 4px; }
mark { background: rgb(var(--cell) / .25); color: inherit; border-radius: 4px; padding: 1px 3px; }
mark small { color: var(--soft); margin-left: 4px; font-size: 11px; }
footer { color: var(--soft); font-size: 13px; padding: 0 4px; }
.note { color: var(--soft); margin: 0; }
@media print { body { background: none; } section, header { break-inside: avoid; } }
"""
