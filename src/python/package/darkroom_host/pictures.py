"""Pictures for previews, encoded."""
import io


def encoded(preview):
    """("JPEG" or "PNG", bytes) of (format, PIL image, longest side or None)."""
    kind, image, limit = preview
    if limit and max(image.size) != limit:
        scale = limit / max(image.size)
        image = image.resize((max(1, int(image.width * scale)), max(1, int(image.height * scale))))
    out = io.BytesIO()
    kind = "PNG" if kind == "PNG" else "JPEG"
    image.save(out, format=kind, **({"quality": 95} if kind == "JPEG" else {"compress_level": 1}))
    return kind, out.getvalue()
