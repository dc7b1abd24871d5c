"""The frame of a page: its style, and the one script that draws its figures.

Everything is inside the file, so it opens without a network, and under a content policy that
allows inline scripts and styles and nothing else.
"""

from collections.abc import Sequence
from importlib.resources import files
from string import Template

from replay.figure_html import Drawing, data_scripts
from replay.html import Html, text

POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
)

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --line: #d0d7de;
  --paper: #ffffff; --wash: #f6f8fa; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --soft: #9aa4af; --line: #353c45;
  --paper: #14171a; --wash: #1d2126; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 42rem; margin: 0 auto; padding: 2rem 1rem 4rem; }
h1, h2, h3 { line-height: 1.25; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .75rem; padding-top: .75rem;
  border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.75rem 0 0; }
p { margin: .5rem 0; }
.verdict { font-size: 1.1rem; font-weight: 600; margin: 1rem 0; padding: .75rem 1rem;
  border-left: 4px solid #2f7fc1; background: var(--wash); }
.note, figcaption, caption { color: var(--soft); font-size: .875rem; }
.note { margin: 0; }
.left-out { border-left: 3px solid var(--line); padding-left: .75rem; color: var(--soft); }
nav ul { list-style: none; padding: 0; margin: 1rem 0; display: flex; flex-wrap: wrap;
  gap: .25rem 1rem; }
a { color: inherit; text-underline-offset: .2em; }
:focus-visible { outline: 2px solid #2f7fc1; outline-offset: 2px; }
figure { margin: 0; }
.plot { width: 100%; }
.plot :not(.hovertext, .heatmap-label) > text:not(.bartext) { fill: var(--ink) !important; }
.scroll { overflow-x: auto; max-width: 100%; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums;
  margin: .5rem 0 1rem; min-width: 60%; }
caption { text-align: left; padding: .25rem 0; }
th, td { padding: .2rem .75rem .2rem 0; border-bottom: 1px solid var(--line); text-align: right;
  vertical-align: top; }
th:first-child { text-align: left; font-weight: 400; min-width: 8rem; }
td { overflow-wrap: break-word; max-width: 24rem; }
table.words :is(th, td) { text-align: left; }
thead th { font-weight: 600; vertical-align: bottom; }
dl { display: grid; grid-template-columns: minmax(9rem, 1fr) 2fr; gap: .2rem 1rem;
  margin: .5rem 0; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
details { margin: .25rem 0 .75rem; }
summary { cursor: pointer; color: var(--soft); font-size: .875rem; }
pre { background: var(--wash); padding: .75rem; margin: .5rem 0; white-space: pre-wrap;
  overflow-wrap: anywhere; font-size: .8125rem; }
@page { margin: 14mm; }
@media print {
  :root { color-scheme: light; --ink: #1b1f24; --soft: #57606a; --line: #d0d7de;
    --paper: #ffffff; --wash: #f6f8fa; }
  main { padding: 0; }
  nav, figure details { display: none; }
  figure, table, .verdict, dl > * { break-inside: avoid; }
  h2, h3, caption { break-after: avoid; }
  .scroll { overflow: visible; }
}
"""

_DRAW = """
for (const source of document.querySelectorAll("script[data-figure]")) {
  const place = document.getElementById(source.dataset.figure);
  const { data, layout } = JSON.parse(source.textContent);
  Plotly.newPlot(place, data, layout, { displayModeBar: false, responsive: true });
}
"""

_FRAME = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="$policy">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>$style</style>
</head>
<body>
<main>
$body
</main>
$data
<script>$plotly</script>
<script>$draw</script>
</body>
</html>
""")


def framed(title: str, body: Html, drawings: Sequence[Drawing]) -> str:
    """The whole file."""
    return _FRAME.substitute(
        policy=POLICY,
        title=text(title),
        style=_STYLE,
        body=body,
        data=data_scripts(drawings),
        plotly=files("plotly").joinpath("package_data", "plotly.min.js").read_text("utf-8"),
        draw=_DRAW,
    )
