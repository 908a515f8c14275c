"""Draws the ratios of a benchmark's results as an SVG picture: python Benchmarks/plot.py out/bench.json OUT.svg"""

import json
import sys
from html import escape

LABEL, WIDTH, ROW, EDGE = 330, 420, 30, 16
INK, SOFT, BAR, MARK = "#24292f", "#6e7781", "#3b7dd8", "#d1490c"


def goal_of(result):
    """The number in ">= 4"; None if the goal is not a ratio."""
    words = result.get("goal", "").split()
    return float(words[1]) if len(words) == 2 and words[0] == ">=" and words[1].replace(".", "").isdigit() else None


def draw(results):
    """SVG text; None if there is no ratio."""
    shown = [one for one in results if "ratio" in one and one["moreIsBetter"]]
    if not shown:
        return None
    top = max(max(one["ratioRange"][1], goal_of(one) or 0) for one in shown) * 1.08
    height = EDGE * 2 + ROW * len(shown) + 34

    def x(value):
        return LABEL + WIDTH * value / top

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LABEL + WIDTH + 80} {height}" '
        'font-family="system-ui, sans-serif" font-size="13">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for tick in range(0, int(top) + 1):
        parts.append(
            f'<line x1="{x(tick):.1f}" y1="{EDGE}" x2="{x(tick):.1f}" y2="{height - 40}" '
            f'stroke="{INK if tick == 1 else "#d8dee4"}" stroke-width="1"/>'
            f'<text x="{x(tick):.1f}" y="{height - 24}" fill="{SOFT}" text-anchor="middle">{tick}x</text>')
    for index, one in enumerate(shown):
        y = EDGE + ROW * index
        low, high = one["ratioRange"]
        parts.append(
            f'<text x="{LABEL - 10}" y="{y + 13}" fill="{INK}" text-anchor="end">{escape(one["title"].strip())}</text>'
            f'<text x="{LABEL - 10}" y="{y + 25}" fill="{SOFT}" text-anchor="end" font-size="10">'
            f'against {escape(one["peer"])}</text>'
            f'<rect x="{LABEL}" y="{y + 4}" width="{x(one["ratio"]) - LABEL:.1f}" height="18" fill="{BAR}" rx="2"/>'
            f'<line x1="{x(low):.1f}" y1="{y + 13}" x2="{x(high):.1f}" y2="{y + 13}" stroke="{INK}" stroke-width="2"/>'
            f'<text x="{x(high) + 6:.1f}" y="{y + 17}" fill="{INK}">{one["ratio"]:.2f}</text>')
        goal = goal_of(one)
        if goal:
            parts.append(
                f'<line x1="{x(goal):.1f}" y1="{y + 1}" x2="{x(goal):.1f}" y2="{y + 25}" stroke="{MARK}" '
                'stroke-width="2" stroke-dasharray="3 2"/>')
    parts.append(
        f'<text x="{LABEL}" y="{height - 6}" fill="{SOFT}" font-size="11">speed relative to the peer in the same run; '
        'black: range over the pairs; orange: goal</text></svg>')
    return "\n".join(parts)


def main():
    source, target = sys.argv[1:]
    with open(source) as file:
        results = json.load(file)["results"]
    with open(target, "w") as file:
        file.write(draw(results) + "\n")


if __name__ == "__main__":
    main()
