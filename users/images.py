"""Uploaded pictures: checked before they are decoded, and written anew, so that only pixels survive."""

from __future__ import annotations

import io
import warnings
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from PIL import Image, ImageOps

MAX_BYTES = 5 * 1024 * 1024
MAX_PIXELS = 25_000_000
FORMATS = ("JPEG", "PNG", "WEBP", "GIF")


def square(upload: Any, size: int) -> bytes:
    """The middle of the picture as a square WebP of `size` pixels. ValidationError for anything that is no picture."""
    image = _opened(upload)
    return _webp(lambda: ImageOps.fit(_upright(image, size), (size, size), Image.Resampling.LANCZOS))


def fitted(upload: Any, width: int, height: int) -> bytes:
    """The whole picture as a WebP of at most `width` x `height`, transparency kept."""
    image = _opened(upload)
    return _webp(lambda: ImageOps.contain(_upright(image, max(width, height)), (width, height), Image.Resampling.LANCZOS))


def _opened(upload: Any) -> Image.Image:
    """Reads the head of the file only: a bomb is refused before a pixel of it is decoded."""
    if upload.size > MAX_BYTES:
        raise ValidationError(_("This file is too large. Choose a picture of at most 5 MB."), code="size")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            upload.seek(0)
            image = Image.open(io.BytesIO(upload.read(MAX_BYTES + 1)), formats=FORMATS)
    except Image.DecompressionBombError:
        raise _too_many_pixels() from None
    except Exception:
        raise _no_picture() from None
    if image.width * image.height > MAX_PIXELS:
        raise _too_many_pixels()
    return image


def _upright(image: Image.Image, size: int) -> Image.Image:
    """The first frame, turned as the camera was held, in plain colours."""
    image.draft("RGB", (size * 2, size * 2))  # a JPEG is decoded at a fraction of its size
    turned = ImageOps.exif_transpose(image)
    return turned.convert("RGBA" if turned.mode in ("RGBA", "LA", "PA") or "transparency" in turned.info else "RGB")


def _webp(make: Any) -> bytes:
    """Decoders fail in many ways on broken files; all of them mean the same to the person."""
    try:
        target = io.BytesIO()
        make().save(target, "WEBP", quality=85, method=4)
    except Image.DecompressionBombError:
        raise _too_many_pixels() from None
    except Exception:
        raise _no_picture() from None
    return target.getvalue()


def _no_picture() -> ValidationError:
    return ValidationError(_("This is not a picture that can be read. Choose a JPEG, PNG, WebP or GIF file."), code="picture")


def _too_many_pixels() -> ValidationError:
    return ValidationError(_("This picture has too many pixels. Choose a smaller one."), code="pixels")
