"""The style sheet of the HTML report: light or dark, as the reader's system is."""

from __future__ import annotations

__all__ = ["CSS"]

CSS = """
:root { color-scheme: light dark; --line: #d0d7de; --soft: #f6f8fa; --ink: #1f2328;
  --paper: #fff; --dim: #59636e; --good: #1a7f37; --bad: #c5221f; --warn: #9a6700;
  --mark: #ffd8d3; }
@media (prefers-color-scheme: dark) { :root { --line: #3d444d; --soft: #161b22; --ink: #e6edf3;
  --paper: #0d1117; --dim: #9198a1; --good: #3fb950; --bad: #ff7b72; --warn: #d29922;
  --mark: #6e2a28; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem;
  color: var(--ink); background: var(--paper); overflow-wrap: anywhere; }
a { color: inherit; }
code, pre { font-family: ui-monospace, monospace; font-size: .875rem; }
pre { background: var(--soft); border: 1px solid var(--line); padding: .5rem; overflow-x: auto;
  overflow-wrap: normal; unicode-bidi: isolate; }
pre i { color: var(--dim); font-style: normal; user-select: none; }
mark { background: var(--mark); color: inherit; font-weight: bold; }
table { border-collapse: collapse; margin: 1rem 0; width: 100%; }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .6rem; text-align: left;
  vertical-align: top; }
section { border-top: 2px solid var(--line); margin-top: 2rem; }
h4 { margin: .2rem 0; font-weight: 600; }
small, .place { color: var(--dim); }
.place, .finding p { margin: .2rem 0; }
.number { font-variant-numeric: tabular-nums; }
.badge { font-size: .875rem; border: 1px solid currentColor; border-radius: 1rem;
  padding: 0 .6rem; }
.good { color: var(--good); } .bad { color: var(--bad); }
.finding { border-left: 4px solid var(--line); padding: .2rem 0 .2rem .8rem; margin: 1rem 0; }
.critical, .high, .error { border-color: var(--bad); }
.medium, .warning { border-color: var(--warn); }
.accepted { opacity: .75; border-color: var(--good); }
meter { width: 16rem; vertical-align: middle; }
"""
