"""Compares file trees by everything that an image keeps."""
import collections
import dataclasses
import hashlib
import os
import stat

_KINDS = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "symlink", stat.S_IFCHR: "char device",
          stat.S_IFBLK: "block device", stat.S_IFIFO: "fifo", stat.S_IFSOCK: "socket"}


@dataclasses.dataclass(frozen=True)
class Entry:
    """One name of a tree. Fields that do not apply are 0 or empty."""
    kind: str
    mode: str
    uid: int
    gid: int
    size: int
    sha256: str
    link: str
    device: tuple
    xattrs: tuple
    same_file_as: str  # the first name of the same inode that the walk met
    mtime: int


def snapshot(root, mtimes=True, ignore=()):
    """{relative path: Entry} of the tree below `root`, the root itself as "."."""
    entries, first = {}, {}
    for folder, folders, files in os.walk(root):
        folders.sort()
        for name in ["."] * (folder == root) + sorted(folders + files):
            path = folder if name == "." else os.path.join(folder, name)
            relative = os.path.relpath(path, root)
            if relative not in ignore:
                entries[relative] = _entry(path, relative, first, mtimes)
        folders[:] = [name for name in folders if os.path.relpath(os.path.join(folder, name), root) not in ignore]
    # Other names of an inode may be outside of this tree: they do not make a group.
    groups = collections.Counter(entry.same_file_as for entry in entries.values())
    return {path: dataclasses.replace(entry, same_file_as="") if groups[entry.same_file_as] == 1 else entry for path, entry in entries.items()}


def _entry(path, relative, first, mtimes):
    info = os.lstat(path)
    kind = stat.S_IFMT(info.st_mode)
    regular, device = kind == stat.S_IFREG, kind in (stat.S_IFCHR, stat.S_IFBLK)
    linked = kind != stat.S_IFDIR and info.st_nlink > 1
    xattrs = tuple((name, os.getxattr(path, name, follow_symlinks=False))
                   for name in sorted(os.listxattr(path, follow_symlinks=False)) if not name.startswith("trusted.overlay."))
    return Entry(_KINDS[kind], oct(stat.S_IMODE(info.st_mode)), info.st_uid, info.st_gid, info.st_size if regular else 0,
                 _sha256(path) if regular else "", os.readlink(path) if kind == stat.S_IFLNK else "",
                 (os.major(info.st_rdev), os.minor(info.st_rdev)) if device else (0, 0), xattrs,
                 first.setdefault((info.st_dev, info.st_ino), relative) if linked else "",
                 int(info.st_mtime) if mtimes else 0)


def _sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def differences(one, other):
    """Lines that name what differs between two snapshots; empty if nothing does."""
    lines = []
    for path in sorted(one.keys() | other.keys()):
        if path not in other:
            lines.append(f"{path}: only in the first ({one[path].kind})")
        elif path not in one:
            lines.append(f"{path}: only in the second ({other[path].kind})")
        else:
            for field in dataclasses.fields(Entry):
                a, b = getattr(one[path], field.name), getattr(other[path], field.name)
                if a != b:
                    lines.append(f"{path}: {field.name} {a!r}, second {b!r}")
    return lines
