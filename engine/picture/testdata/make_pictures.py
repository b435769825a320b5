#!/usr/bin/env python3
"""Writes the pictures of this folder and what another program reads in them.

Every NAME.EXT has a NAME.EXT.rgb: [height, width, 3] bytes, upright, on white, as
Pillow decodes it. Run it in this folder. The files here were made with Pillow
9.4.0 (libjpeg-turbo 2.1.5, libwebp 1.2.4, libtiff 4.5.0), numpy 1.24.2, and cjpeg
and djpeg of libjpeg-turbo 2.1.5 for the ratios of chroma that Pillow does not write.
"""
import io, struct, subprocess, zlib
import numpy as np
from PIL import Image, ImageCms, ImageOps, PngImagePlugin, TiffImagePlugin


def scene(w, h):
    """Gradients with hard edges of saturated colours across them."""
    y, x = np.mgrid[0:h, 0:w].astype(np.float64)
    p = np.stack([255 * x / max(w - 1, 1), 255 * y / max(h - 1, 1), 128 + 100 * np.sin(x / 3 + y / 5)], -1)
    p[(x - w / 3) ** 2 + (y - h / 2) ** 2 < (h / 4) ** 2] = (255, 0, 0)
    p[(abs(x - 3 * w / 4) < w / 9) & (abs(y - h / 3) < h / 6)] = (0, 0, 255)
    p[(x + y).astype(int) % 11 == 0] = (0, 255, 0)
    return np.clip(p + 0.5, 0, 255).astype(np.uint8)


def opacity(w, h):
    y, x = np.mgrid[0:h, 0:w]
    return ((x * 7 + y * 13) % 256).astype(np.uint8)


def on_white(p, a):
    a = a[..., None].astype(np.int64)
    return ((p.astype(np.int64) * a + 255 * (255 - a) + 127) // 255).astype(np.uint8)


def save(name, data, want):
    open(name, "wb").write(data)
    open(name + ".rgb", "wb").write(np.ascontiguousarray(want, np.uint8).tobytes())


def encode(im, fmt, **kw):
    b = io.BytesIO()
    im.save(b, fmt, **kw)
    return b.getvalue()


def decoded(data):
    im = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    if im.mode in ("RGBA", "LA", "PA") or "transparency" in im.info:
        q = np.asarray(im.convert("RGBA"))
        return on_white(q[..., :3], q[..., 3])
    return np.asarray(im.convert("RGB"))


def both(name, data):
    save(name, data, decoded(data))


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png16(p, colour):
    """A PNG of 16 bits a channel from [h, w, channels] uint16."""
    h, w, _ = p.shape
    rows = b"".join(b"\0" + r.astype(">u2").tobytes() for r in p)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, 16, colour, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))


def adam7(p):
    """An interlaced PNG of RGB."""
    h, w, _ = p.shape
    rows = b""
    for x0, y0, dx, dy in [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]:
        q = p[y0::dy, x0::dx]
        if q.size:
            rows += b"".join(b"\0" + r.tobytes() for r in q)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, 8, 2, 0, 0, 1))
            + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))


def reduced(p):
    return ((p.astype(np.int64) * 255 + 32767) // 65535).astype(np.uint8)


def exif(orientation):
    e = Image.Exif()
    e[0x0112] = orientation
    return e.tobytes()


def pngs():
    p, a = scene(23, 17), opacity(23, 17)
    rgb, rgba = Image.fromarray(p), Image.fromarray(np.dstack([p, a]))
    both("rgb.png", encode(rgb, "PNG"))
    both("rgba.png", encode(rgba, "PNG"))
    both("gray.png", encode(rgb.convert("L"), "PNG"))
    both("grayalpha.png", encode(rgba.convert("LA"), "PNG"))
    both("bilevel.png", encode(rgb.convert("1"), "PNG"))
    both("palette.png", encode(rgb.quantize(13), "PNG", transparency=3))
    deep = p.astype(np.uint16) * 257 + np.arange(23, dtype=np.uint16)[None, :, None] * 3 - 60
    save("rgb16.png", png16(deep, 2), reduced(deep))
    save("gray16.png", png16(deep[..., :1], 0), np.repeat(reduced(deep[..., :1]), 3, -1))
    alpha16 = np.dstack([deep, a.astype(np.uint16) * 257])
    save("rgba16.png", png16(alpha16, 6), on_white(reduced(deep), a))
    both("interlaced.png", adam7(p))
    both("turned.png", encode(rgb, "PNG", exif=exif(6)))
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    both("profile.png", encode(rgb, "PNG", icc_profile=lab))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    both("srgb.png", encode(rgb, "PNG", icc_profile=srgb))
    data = encode(rgb, "PNG", save_all=True, append_images=[rgb.rotate(180), rgba.convert("RGB")])
    save("animated.png", data, p)


def jpegs():
    p = scene(45, 35)
    rgb = Image.fromarray(p)
    for name, sub in [("444", 0), ("422", 1), ("420", 2)]:
        both(f"rgb{name}.jpg", encode(rgb, "JPEG", quality=90, subsampling=sub))
    both("progressive.jpg", encode(rgb, "JPEG", quality=85, progressive=True, subsampling=2))
    both("gray.jpg", encode(rgb.convert("L"), "JPEG", quality=90))
    for w, h in [(1, 1), (2, 3), (5, 4)]:
        both(f"small{w}x{h}.jpg", encode(Image.fromarray(scene(w, h)), "JPEG", quality=95, subsampling=2))
    ppm = encode(rgb, "PPM")
    for name, sample in [("440", "1x2"), ("411", "4x1")]:
        data = subprocess.run(["cjpeg", "-quality", "90", "-sample", sample], input=ppm, stdout=subprocess.PIPE, check=True).stdout
        out = subprocess.run(["djpeg", "-dct", "int"], input=data, stdout=subprocess.PIPE, check=True).stdout
        save(f"rgb{name}.jpg", data, np.asarray(Image.open(io.BytesIO(out))))
    ink = Image.fromarray(np.dstack([255 - p, opacity(45, 35) // 3])[..., :4], "CMYK")
    data = encode(ink, "JPEG", quality=92)
    both("cmyk.jpg", data)
    at = data.index(b"\xff\xee")
    size = struct.unpack(">H", data[at + 2:at + 4])[0]
    both("cmyk-no-adobe.jpg", data[:at] + data[at + 2 + size:])
    ycc = np.asarray(rgb.convert("YCbCr"))
    k = 255 - np.asarray(ink)[..., 3]
    both("ycck.jpg", adobe2(encode(Image.fromarray(np.dstack([255 - ycc, 255 - k]), "CMYK"), "JPEG", quality=92)))
    small = Image.fromarray(scene(16, 8))
    for o in range(1, 9):
        both(f"orientation{o}.jpg", encode(small, "JPEG", quality=95, subsampling=0, exif=exif(o)))
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    both("profile.jpg", encode(small, "JPEG", quality=90, icc_profile=icc))


def adobe2(data):
    """Says that four components are YCCK."""
    at = data.index(b"Adobe") + 11
    return data[:at] + b"\x02" + data[at + 1:]


def others():
    p, a = scene(23, 17), opacity(23, 17)
    rgb, rgba = Image.fromarray(p), Image.fromarray(np.dstack([p, a]))
    pal = rgb.quantize(40)
    both("still.gif", encode(pal, "GIF"))
    both("clear.gif", encode(pal, "GIF", transparency=5))
    frames = [Image.fromarray(np.roll(p, 4 * i, 1)).quantize(16) for i in range(3)]
    data = encode(frames[0], "GIF", save_all=True, append_images=frames[1:], loop=0)
    save("animated.gif", data, np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))

    both("lossy.webp", encode(Image.fromarray(scene(45, 35)), "WEBP", quality=80))
    both("even.webp", encode(Image.fromarray(scene(32, 48)), "WEBP", quality=60))
    both("lossless.webp", encode(rgba, "WEBP", lossless=True, exact=True))
    both("alpha.webp", encode(rgba, "WEBP", quality=80))
    both("turned.webp", encode(rgb, "WEBP", lossless=True, exif=exif(8)))
    moves = [Image.fromarray(np.roll(p, 4 * i, 1)) for i in range(3)]
    both("animated.webp", encode(moves[0], "WEBP", lossless=True, save_all=True, append_images=moves[1:]))

    both("rgb.bmp", encode(rgb, "BMP"))
    both("palette.bmp", encode(pal, "BMP"))
    both("bilevel.bmp", encode(rgb.convert("1"), "BMP"))
    both("rgba.bmp", encode(rgba, "BMP"))

    for name, c in [("raw", None), ("lzw", "tiff_lzw"), ("deflate", "tiff_adobe_deflate"), ("packbits", "packbits")]:
        both(f"{name}.tiff", encode(rgb, "TIFF", compression=c))
    both("rgba.tiff", encode(rgba, "TIFF", compression="tiff_lzw"))
    for group in ("group3", "group4"):
        fax = encode(rgb.convert("1"), "TIFF", compression=group)
        both(f"{group}.tiff", fax)
        both(f"{group}-white-is-zero.tiff", fax.replace(struct.pack("<HHIH", 262, 3, 1, 1), struct.pack("<HHIH", 262, 3, 1, 0)))
    deep = (p[..., 0].astype(np.uint16) * 257 + 5).clip(0, 65535)
    save("gray16.tiff", encode(Image.fromarray(deep), "TIFF"), np.repeat(reduced(deep)[..., None], 3, -1))
    ifd = TiffImagePlugin.ImageFileDirectory_v2()
    ifd[274] = 6
    save("turned.tiff", encode(rgb, "TIFF", tiffinfo=ifd), np.rot90(p, -1))  # Pillow 9.4 turns it twice
    save("pages.tiff", encode(rgb, "TIFF", save_all=True, append_images=[rgb, rgb, rgb]), p)
    open("cmyk.tiff", "wb").write(encode(rgb.convert("CMYK"), "TIFF"))
    open("jpeg.tiff", "wb").write(encode(rgb, "TIFF", compression="jpeg"))


pngs()
jpegs()
others()
