"""A plain bar chart as SVG: no plotting library for one picture."""
import html
import math


def short(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def bars(title, ours, peer):
    """One bar a figure that both have: how many times better `ours` is. Without a peer, the figures themselves."""
    rows = []
    for key, a in ours.figures.items():
        b = peer.figures.get(key) if peer else None
        if peer and a and b:
            rows.append((key, a / b if "per " in key else b / a, f"{short(a)} against {short(b)}"))
    width, left, step = 1000, 330, 26
    height = 60 + step * max(1, len(rows))
    top = max([r[1] for r in rows] + [10])
    scale = (width - left - 270) / math.log10(top * 1.2)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13">',
           f'<rect width="{width}" height="{height}" fill="#fff"/>', f'<text x="16" y="26" font-size="16" fill="#222">{html.escape(title)}</text>']
    for power in range(0, int(math.log10(top)) + 2):
        x = left + power * scale
        if x < width - 20:
            out.append(f'<line x1="{x:.0f}" y1="40" x2="{x:.0f}" y2="{height - 14}" stroke="#ddd"/><text x="{x + 3:.0f}" y="{height - 4}" fill="#888" font-size="11">{10 ** power}x</text>')
    for n, (key, ratio, text) in enumerate(rows):
        y = 46 + n * step
        length = max(2.0, math.log10(max(ratio, 1.02)) * scale)
        out.append(f'<text x="{left - 8}" y="{y + 14}" text-anchor="end" fill="#222">{html.escape(key)}</text>'
                   f'<rect x="{left}" y="{y}" width="{length:.0f}" height="18" fill="{"#2a7f62" if ratio >= 1 else "#b3432f"}"/>'
                   f'<text x="{left + length + 6:.0f}" y="{y + 14}" fill="#222">{ratio:.1f}x <tspan fill="#888">{html.escape(text)}</tspan></text>')
    return "\n".join(out + ["</svg>", ""])


COLOURS = ("#2a7f62", "#b3432f", "#3b5b92", "#8a6d1f", "#7a4a86", "#4a8a9a", "#555555", "#a0567a")


def lines(title, labels, series):
    """One line a series through its values at the labels, all positive, on a logarithmic scale from top (much) to bottom (little)."""
    width, height, left, top, bottom = 1000, 420, 70, 50, 40
    values = [value for line in series.values() for value in line] or [1]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values) * 1.001))
    right = width - 390
    x = lambda n: left + (right - left) * n / (len(labels) - 1)
    y = lambda value: top + (height - top - bottom) * (high - math.log10(value)) / (high - low)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13">',
           f'<rect width="{width}" height="{height}" fill="#fff"/>', f'<text x="16" y="26" font-size="16" fill="#222">{html.escape(title)}</text>']
    for power in range(low, high + 1):
        out.append(f'<line x1="{left}" y1="{y(10 ** power):.0f}" x2="{right}" y2="{y(10 ** power):.0f}" stroke="#ddd"/>'
                   f'<text x="{left - 8}" y="{y(10 ** power) + 4:.0f}" text-anchor="end" fill="#888">{10.0 ** power:g}</text>')
    for n, label in enumerate(labels):
        out.append(f'<text x="{x(n):.0f}" y="{height - 14}" text-anchor="middle" fill="#888">{html.escape(label)}</text>')
    for n, (name, line) in enumerate(series.items()):
        colour = COLOURS[n % len(COLOURS)]
        points = " ".join(f"{x(i):.0f},{y(value):.0f}" for i, value in enumerate(line))
        out.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
                   f'<text x="{right + 20}" y="{top + 22 * n + 4}" fill="{colour}">{html.escape(name)}: {short(line[0])} to {short(line[-1])}</text>')
    return "\n".join(out + ["</svg>", ""])
