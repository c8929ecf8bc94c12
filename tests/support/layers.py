"""What the layers of an image hold, read from an archive of it."""
import io
import os
import tarfile


def members(engine, tag):
    """(TarInfo, content or link target) of every entry of every layer, in the order of the archive."""
    path = f"{engine.root}.saved"
    engine("save", "-o", path, tag)
    try:
        with tarfile.open(path) as archive:
            for name in archive.getnames():
                data = archive.extractfile(name)
                try:
                    layer = tarfile.open(fileobj=io.BytesIO(data.read())) if data else None
                except tarfile.TarError:  # a config or a manifest
                    continue
                for member in layer or ():
                    text = layer.extractfile(member).read().decode(errors="replace") if member.isreg() else member.linkname
                    yield member, text
    finally:
        os.unlink(path)
