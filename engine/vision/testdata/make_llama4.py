#!/usr/bin/env python3
"""Writes llama4_plans.txt and resize.json: what Pillow and numpy make of sizes and
pictures, as the specification of Llama 4's processor has it. Run it in this folder.
The files here were made with Pillow 9.4.0 and numpy 1.24.2.

llama4_plans.txt has a line for each case: most tiles, side of a tile, width, height,
and then rows, columns, width and height as resized, tokens with 144 embeddings a tile.
"""
import base64, json, math, random
import numpy as np
from PIL import Image

F = np.float32


def grids(most):
    by_ratio = {}
    for n in range(most, 0, -1):
        for h in range(1, n + 1):
            if n % h == 0:
                by_ratio.setdefault(h / (n // h), []).append((h, n // h))
    return [g for gs in by_ratio.values() for g in gs]


def plan(most, t, w, h):
    gs = np.array(grids(most))
    scales = np.minimum((gs[:, 1] * t).astype(F) / F(w), (gs[:, 0] * t).astype(F) / F(h))
    up = scales[scales >= 1]
    best = up.min() if len(up) else scales.max()
    chosen = gs[scales == best]
    gh, gw = (int(v) for v in chosen[np.argmin(chosen[:, 0] * chosen[:, 1])])
    th, tw = min(max(h, t), t * gh), min(max(w, t), t * gw)
    sw, sh = tw / w, th / h
    if sw < sh:
        nw, nh = tw, min(math.floor(h * sw), th)
    else:
        nw, nh = min(math.floor(w * sh), tw), th
    n = gh * gw
    return gh, gw, max(nw, 1), max(nh, 1), 147 if n == 1 else 144 * (n + 1) + gh * (gw - 1) + gh + 3


def plans():
    r = random.Random(4)
    cases = [(16, 336, w, h) for w, h in [(1, 1), (336, 336), (100, 3000), (3000, 100), (1, 60000), (60000, 1), (1344, 1344), (1345, 1344), (5376, 336), (5377, 336)]]
    for most in (1, 4, 9, 16):
        cases += [(most, 336, w, h) for w, h in [(1024, 1024), (1920, 1080), (4096, 1024), (640, 480), (4032, 3024), (3024, 4032)]]
    for _ in range(500):
        side = lambda: int(math.exp(r.uniform(0, math.log(9000))))
        cases.append((r.choice([16, 16, 16, 16, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]), r.choice([336, 336, 336, 112, 28]), side(), side()))
    for _ in range(100):  # at the edges of grids, and shapes with an exact ratio
        a, b, k = r.randint(1, 8), r.randint(1, 8), r.choice([112, 168, 336, 1000])
        cases.append((r.choice([9, 16]), 336, max(a * k + r.choice([-1, 0, 0, 1]), 1), max(b * k + r.choice([-1, 0, 0, 1]), 1)))
    with open("llama4_plans.txt", "w") as f:
        for c in cases:
            print(*c, *plan(*c), file=f)


def scene(w, h):
    y, x = np.mgrid[0:h, 0:w].astype(np.float64)
    p = np.stack([255 * x / max(w - 1, 1), 255 * y / max(h - 1, 1), 128 + 127 * np.sin(x / 2 + y / 3)], -1)
    p[(x + 2 * y).astype(int) % 7 == 0] = (255, 255, 255)
    p[(x - w / 2) ** 2 + (y - h / 2) ** 2 < (h / 4) ** 2] = (0, 0, 255)
    return np.clip(p + 0.5, 0, 255).astype(np.uint8)


def b64(a):
    return base64.b64encode(np.ascontiguousarray(a, np.uint8).tobytes()).decode()


def resized(p, w, h):
    return np.asarray(Image.fromarray(p).resize((w, h), Image.BILINEAR))


def pictures():
    out = {"resize": [], "tiles": []}
    for w, h, tw, th in [(45, 35, 20, 50), (45, 35, 45, 10), (45, 35, 7, 35), (31, 21, 62, 42), (45, 35, 1, 1), (1, 1, 5, 4),
                         (100, 3, 3, 40), (3, 100, 40, 3), (64, 64, 21, 21), (29, 31, 28, 30), (200, 2, 13, 2), (16, 16, 16, 16)]:
        p = scene(w, h)
        out["resize"].append({"Width": w, "Height": h, "Pix": b64(p), "ToWidth": tw, "ToHeight": th, "Want": b64(resized(p, tw, th))})
    t = 14
    for most, w, h in [(16, 14, 14), (16, 5, 9), (16, 40, 25), (16, 25, 40), (4, 61, 40), (9, 90, 20), (16, 100, 100)]:
        p = scene(w, h)
        gh, gw, nw, nh, _ = plan(most, t, w, h)
        canvas = np.zeros((gh * t, gw * t, 3), np.uint8)
        canvas[:nh, :nw] = resized(p, nw, nh)
        tiles = [canvas[r * t:(r + 1) * t, c * t:(c + 1) * t] for r in range(gh) for c in range(gw)]
        if len(tiles) > 1:
            tiles.append(resized(p, t, t))
        out["tiles"].append({"MostTiles": most, "Tile": t, "Width": w, "Height": h, "Pix": b64(p), "Want": b64(np.stack(tiles))})
    json.dump(out, open("resize.json", "w"), indent=1)


plans()
pictures()
