#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws a run's Chrome trace as an SVG picture: one row per rank, one colour per phase.

    tools/draw_timeline.py runs/NAME/latest/trace.json.gz OUT.svg [--ranks 16] [--from-ms 0] [--to-ms 5]

Standard library only. The picture shows what the trace holds, nothing else.
"""
import argparse
import gzip
import html
import json

# Okabe and Ito's colours, told apart by people who see few colours.
COLOURS = {
    "attention": "#0072B2", "router": "#56B4E9", "dispatch": "#E69F00", "expert": "#009E73",
    "shared_expert": "#66C2A5", "dense_ffn": "#8DA0CB", "combine": "#D55E00", "head": "#CC79A7",
    "embedding": "#999999", "all_reduce": "#F0E442", "optimizer": "#555555",
}
WIDTH, LEFT, TOP, ROW, GAP, BOTTOM = 1000, 70, 34, 15, 3, 54


def read_spans(path):
    with gzip.open(path, "rt", encoding="utf-8") as file:
        events = json.load(file)["traceEvents"]
    return [e for e in events if e.get("ph") == "X" and e.get("cat") in COLOURS]


def draw(spans, ranks, start_us, end_us, title):
    scale = (WIDTH - LEFT - 10) / (end_us - start_us)
    shown = [s for s in spans if s["pid"] <= ranks and s["ts"] < end_us
             and s["ts"] + s["dur"] > start_us]
    height = TOP + ranks * (ROW + GAP) + BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="sans-serif" font-size="11" role="img">',
        f"<title>{html.escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="20" font-size="14" fill="#222">{html.escape(title)}</text>',
    ]
    for rank in range(ranks):
        y = TOP + rank * (ROW + GAP)
        parts.append(f'<text x="{LEFT - 6}" y="{y + 11}" text-anchor="end" fill="#444">'
                     f"rank {rank}</text>")
        parts.append(f'<rect x="{LEFT}" y="{y}" width="{WIDTH - LEFT - 10}" height="{ROW}" '
                     f'fill="#f2f2f2"/>')
    for span in shown:
        begin = max(span["ts"], start_us)
        finish = min(span["ts"] + span["dur"], end_us)
        y = TOP + (span["pid"] - 1) * (ROW + GAP)
        parts.append(
            f'<rect x="{LEFT + (begin - start_us) * scale:.2f}" y="{y}" '
            f'width="{max((finish - begin) * scale, 0.3):.2f}" height="{ROW}" '
            f'fill="{COLOURS[span["cat"]]}"><title>{html.escape(span["name"])}</title></rect>')
    axis_y = TOP + ranks * (ROW + GAP) + 12
    for tick in range(6):
        at = start_us + (end_us - start_us) * tick / 5
        anchor = "end" if tick == 5 else "middle"
        parts.append(f'<text x="{LEFT + (at - start_us) * scale:.1f}" y="{axis_y}" '
                     f'text-anchor="{anchor}" fill="#444">{at / 1000:.2f} ms</text>')
    x = LEFT
    for phase in sorted({s["cat"] for s in shown}, key=list(COLOURS).index):
        parts.append(f'<rect x="{x}" y="{axis_y + 12}" width="12" height="12" '
                     f'fill="{COLOURS[phase]}"/>')
        parts.append(f'<text x="{x + 16}" y="{axis_y + 22}" fill="#222">{phase}</text>')
        x += 28 + 7 * len(phase)
    parts.append(f'<rect x="{x}" y="{axis_y + 12}" width="12" height="12" fill="#f2f2f2"/>')
    parts.append(f'<text x="{x + 16}" y="{axis_y + 22}" fill="#222">waiting</text></svg>')
    return "\n".join(parts) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("trace")
    parser.add_argument("out")
    parser.add_argument("--ranks", type=int, default=16)
    parser.add_argument("--from-ms", type=float, default=0)
    parser.add_argument("--to-ms", type=float, default=5)
    parser.add_argument("--title", default="")
    options = parser.parse_args()
    picture = draw(read_spans(options.trace), options.ranks, options.from_ms * 1000,
                   options.to_ms * 1000, options.title)
    with open(options.out, "w", encoding="utf-8") as file:
        file.write(picture)


if __name__ == "__main__":
    main()
