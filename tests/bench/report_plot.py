# SPDX-License-Identifier: GPL-2.0-or-later
"""{name: [(x, low, middle, high)]} -> an SVG with logarithmic axes, legible on light and on dark ground: the
lines are of colours that stand out from both, and text is of the colour that goes with the reader's."""
import math
from xml.sax.saxutils import escape

W, H, LEFT, RIGHT, TOP, BOTTOM = 860, 480, 64, 220, 44, 52
COLOURS = ["#2f81f7", "#8b949e", "#2da44e", "#cf7b00", "#d1477a", "#8957e5", "#b35900", "#1f9aa5", "#a08c00", "#e5534b"]
HEAD = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="%s">
<style>
text { font: 13px sans-serif; fill: #1f2328 } .t { font-size: 15px; font-weight: bold }
.grid { stroke: #8b949e; stroke-opacity: .35 } .line { fill: none; stroke-width: 2 } .range { stroke-width: 1 }
.ground { fill: #ffffff }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .ground { fill: #0d1117 } }
</style>
<rect class="ground" width="100%%" height="100%%"/>
"""


def ticks(low, high):
    """1, 2 and 5 of each power of ten; of more than two powers, the powers."""
    steps = (1, 2, 5) if math.log10(high / low) <= 2.2 else (1,)
    exponent, found = math.floor(math.log10(low)), []
    while 10 ** exponent <= high * 1.001:
        found += [s * 10 ** exponent for s in steps if low * .999 <= s * 10 ** exponent <= high * 1.001]
        exponent += 1
    return found


def apart(ys, least):
    """Labels moved down, and up again at the bottom, so that none lies on another."""
    order, placed = sorted(range(len(ys)), key=lambda i: ys[i]), list(ys)
    for a, b in zip(order, order[1:]):
        placed[b] = max(placed[b], placed[a] + least)
    over = placed[order[-1]] - (H - BOTTOM) if order else 0
    if over > 0:
        for i in reversed(order):
            limit = H - BOTTOM if i == order[-1] else limit - least
            placed[i] = min(placed[i], limit)
            limit = placed[i]
    return placed


def plot(series, title, x_name, y_name):
    points = [p for line in series.values() for p in line]
    x0, x1 = min(p[0] for p in points), max(p[0] for p in points)
    x0, x1 = (x0, x1) if x0 < x1 else (x0 / 2, x1 * 2)
    y0, y1 = min(p[1] for p in points) / 1.15, max(p[3] for p in points) * 1.15

    def at_x(x):
        return LEFT + (W - LEFT - RIGHT) * math.log(x / x0) / math.log(x1 / x0)

    def at_y(y):
        return H - BOTTOM - (H - TOP - BOTTOM) * math.log(y / y0) / math.log(y1 / y0)

    out = [HEAD % (W, H, W, H, escape(title, {'"': "&quot;"})), '<text class="t" x="%d" y="24">%s</text>' % (LEFT, escape(title))]
    for y in ticks(y0, y1):
        out.append('<line class="grid" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/><text x="%d" y="%.1f" text-anchor="end">%g</text>'
                   % (LEFT, W - RIGHT, at_y(y), at_y(y), LEFT - 8, at_y(y) + 4, y))
    for x in ticks(x0, x1) if x0 * 2 < x1 else []:
        out.append('<line class="grid" y1="%d" y2="%d" x1="%.1f" x2="%.1f"/><text x="%.1f" y="%d" text-anchor="middle">%s</text>'
                   % (TOP, H - BOTTOM, at_x(x), at_x(x), at_x(x), H - BOTTOM + 20, format(int(x), ",")))
    out.append('<text x="%.1f" y="%d" text-anchor="middle">%s</text>' % ((LEFT + W - RIGHT) / 2, H - 10, escape(x_name)))
    out.append('<text transform="translate(18 %.1f) rotate(-90)" text-anchor="middle">%s</text>' % ((TOP + H - BOTTOM) / 2, escape(y_name)))
    labels = apart([at_y(line[-1][2]) for line in series.values()], 17)
    for i, (name, line) in enumerate(series.items()):
        colour = COLOURS[i % len(COLOURS)]
        for x, low, mid, high in line:
            out.append('<line class="range" stroke="%s" x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f"/><circle fill="%s" cx="%.1f" cy="%.1f" r="3.5"/>'
                       % (colour, at_x(x), at_x(x), at_y(low), at_y(high), colour, at_x(x), at_y(mid)))
        out.append('<polyline class="line" stroke="%s" points="%s"/>'
                   % (colour, " ".join("%.1f,%.1f" % (at_x(x), at_y(mid)) for x, _, mid, _ in line)))
        end_x, end_y = at_x(line[-1][0]), at_y(line[-1][2])
        out.append('<line stroke="%s" stroke-opacity=".6" x1="%.1f" y1="%.1f" x2="%d" y2="%.1f"/><text x="%d" y="%.1f">%s</text>'
                   % (colour, end_x + 4, end_y, W - RIGHT + 26, labels[i], W - RIGHT + 30, labels[i] + 4, escape(name)))
    return "\n".join(out) + "\n</svg>\n"
