"""Builds a layer tar from an overlay2 diff/ directory, as docs/store.md section 7 describes.

Independent of Strata's own code on purpose: a second opinion on DiffIDs.
    layer_tar.py DIFF_DIRECTORY [OUT.tar]     prints the sha256 of the tar, form of dockerd 28
    --names                                   form of dockerd 20.10 (host's user names, file-type bits in the mode)
"""
import grp
import hashlib
import os
import posixpath
import pwd
import stat
import sys

BLOCK = 512
TYPE_FLAGS = {stat.S_IFREG: b"0", stat.S_IFDIR: b"5", stat.S_IFLNK: b"2", stat.S_IFCHR: b"3",
              stat.S_IFBLK: b"4", stat.S_IFIFO: b"6"}


def _is_ascii(text):
    return all(0 < c < 0x80 for c in text)


def _only_ascii(text):
    return bytes(c for c in text if 0 < c < 0x80)


def _fits_octal(width, value):
    return value >= 0 and (width >= 22 or value < 1 << ((width - 1) * 3))


def _octal(width, value):
    text = b"%o" % (value if _fits_octal(width, value) else 0)
    return text.rjust(width - 1, b"0")[:width - 1] + b"\0"


def _text(width, value):
    field = bytearray(value[:width].ljust(width, b"\0"))
    if len(value) > width and field[-1:] == b"/":
        field[len(value[:width - 1].rstrip(b"/"))] = 0
    return bytes(field)


def _split_name(name):
    """(prefix, name) for the two ustar fields, or None where the name does not fit them."""
    length = len(name)
    if length <= 100 or not _is_ascii(name):
        return None
    if length > 156:
        length = 156
    elif name.endswith(b"/"):
        length -= 1
    cut = name[:length].rfind(b"/")
    rest = len(name) - cut - 1
    if cut <= 0 or cut > 155 or rest > 100 or rest == 0:
        return None
    return name[:cut], name[cut + 1:]


def _block(name, mode, uid, gid, size, mtime, flag, link=b"", uname=b"", gname=b"", device=(0, 0), prefix=b"", pax=False):
    block = bytearray(BLOCK)
    block[0:100] = _text(100, name)
    for start, width, value in ((100, 8, mode), (108, 8, uid), (116, 8, gid), (124, 12, size), (136, 12, mtime)):
        block[start:start + width] = _octal(width, value)
    block[156:157] = flag
    block[157:257] = _text(100, link)
    block[257:265] = b"ustar\x0000"
    block[265:297] = _text(32, uname)
    block[297:329] = _text(32, gname)
    if not pax:
        block[329:337] = _octal(8, device[0])
        block[337:345] = _octal(8, device[1])
    block[345:500] = _text(155, prefix)
    block[148:156] = b" " * 8
    block[148:156] = _octal(7, sum(block)) + b" "
    return bytes(block)


def _pax_record(key, value):
    size = len(key) + len(value) + 3
    size += len(str(size))
    record = b"%d %s=%s\n" % (size, key, value)
    return record if len(record) == size else b"%d %s=%s\n" % (len(record), key, value)


def header(name, mode, uid, gid, size, mtime, flag, link=b"", uname=b"", gname=b"", device=(0, 0), xattrs=None):
    """One entry's header blocks: plain ustar where every field fits, PAX records in front where not."""
    pax = {}
    split = _split_name(name)
    plain = True
    if len(name) > 100 or not _is_ascii(name):
        plain = split is not None
        pax[b"path"] = name
    if len(link) > 100 or not _is_ascii(link):
        plain, pax[b"linkpath"] = False, link
    for key, value in ((b"uname", uname), (b"gname", gname)):
        if len(value) > 32 or not _is_ascii(value):
            plain, pax[key] = False, value
    for key, value, width in ((b"uid", uid, 8), (b"gid", gid, 8), (b"size", size, 12), (b"mtime", mtime, 12)):
        if not _fits_octal(width, value):
            plain, pax[key] = False, b"%d" % value
    for key, value in (xattrs or {}).items():
        plain, pax[b"SCHILY.xattr." + key] = False, value
    if plain:
        prefix, short = split or (b"", name)
        return _block(short, mode, uid, gid, size, mtime, flag, link, uname, gname, device, prefix)
    data = b"".join(_pax_record(key, pax[key]) for key in sorted(pax))
    folder, _, last = name.rpartition(b"/")
    pax_name = (posixpath.normpath(folder) + b"/" if folder else b"") + b"PaxHeaders.0" + (b"/" + last if last else b"")
    pax_name = _only_ascii(pax_name)[:100].rstrip(b"/")
    return (_block(pax_name, 0, 0, 0, len(data), 0, b"x", pax=True) + data + b"\0" * (-len(data) % BLOCK) +
            _block(_only_ascii(name), mode, uid, gid, size, mtime, flag, _only_ascii(link), _only_ascii(uname),
                   _only_ascii(gname), device))


def _xattr(path, name):
    try:
        return os.getxattr(path, name, follow_symlinks=False)
    except OSError:
        return None


def _capability(path):
    """security.capability as dockerd carries it: version 3 becomes version 2."""
    value = _xattr(path, "security.capability")
    if value and len(value) > 20 and value[3] == 3:
        value = value[:3] + b"\2" + value[4:20]
    return {b"security.capability": value} if value else {}


def _name_of(lookup, number):
    try:
        return lookup(number)[0].encode()
    except KeyError:
        return b""


def write(diff, sink, names=False):
    """Feeds the tar of the directory `diff` (bytes path) to sink(bytes). names: the form of dockerd 20.10."""
    first_link = {}

    def entry(path, name):
        info = os.lstat(path)
        kind = stat.S_IFMT(info.st_mode)
        if kind not in TYPE_FLAGS:
            return
        flag, link, size = TYPE_FLAGS[kind], b"", 0
        mode = info.st_mode if names else stat.S_IMODE(info.st_mode)
        owner = (_name_of(pwd.getpwuid, info.st_uid), _name_of(grp.getgrgid, info.st_gid)) if names else (b"", b"")
        device = (0, 0)
        full = name
        if kind == stat.S_IFDIR:
            full += b"/"
        elif kind == stat.S_IFREG:
            size = info.st_size
        elif kind == stat.S_IFLNK:
            link = os.readlink(path)
        elif kind in (stat.S_IFCHR, stat.S_IFBLK):
            device = (os.major(info.st_rdev), os.minor(info.st_rdev))
        if kind != stat.S_IFDIR and info.st_nlink > 1:
            if info.st_ino in first_link:
                flag, link, size = b"1", first_link[info.st_ino], 0
            else:
                first_link[info.st_ino] = name
        if kind == stat.S_IFCHR and device == (0, 0):
            folder, slash, last = name.rpartition(b"/")
            full, mode, flag, size = folder + slash + b".wh." + last, 0o600, b"0", 0
        mtime = info.st_mtime_ns // 10**9
        sink(header(full, mode, info.st_uid, info.st_gid, size, mtime, flag, link, *owner, device, _capability(path)))
        if kind == stat.S_IFDIR and _xattr(path, "trusted.overlay.opaque") == b"y":
            sink(header(full + b".wh..wh..opq", mode & 0o777, info.st_uid, info.st_gid, 0, 0, b"0", b"", *owner))
        elif flag == b"0" and size:
            with open(path, "rb") as file:
                while chunk := file.read(1 << 20):
                    sink(chunk)
            sink(b"\0" * (-size % BLOCK))

    def walk(folder, name):
        for last in sorted(os.listdir(folder)):
            path, below = folder + b"/" + last, name + b"/" + last if name else last
            entry(path, below)
            if stat.S_ISDIR(os.lstat(path).st_mode):
                walk(path, below)

    walk(diff, b"")
    sink(b"\0" * (2 * BLOCK))


def diff_id(diff, names=False):
    """'sha256:...' of the tar of the directory `diff`."""
    digest = hashlib.sha256()
    write(os.fsencode(diff), digest.update, names)
    return "sha256:" + digest.hexdigest()


if __name__ == "__main__":
    arguments = [a for a in sys.argv[1:] if a != "--names"]
    with open(arguments[1] if len(arguments) > 1 else os.devnull, "wb") as out:
        total = hashlib.sha256()
        write(os.fsencode(arguments[0]), lambda data: (total.update(data), out.write(data)), "--names" in sys.argv)
    print("sha256:" + total.hexdigest())
