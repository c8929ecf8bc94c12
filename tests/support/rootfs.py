"""Small root file systems and tars for tests."""
import io
import subprocess
import tarfile

BUSYBOX = "/bin/busybox"  # Debian's busybox-static
MTIME = 1_600_000_000
PASSWD = "root:x:0:0:root:/root:/bin/sh\nbob:x:1000:1001:Bob:/home/bob:/bin/sh\n"
GROUP = "root:x:0:\nbob:x:1001:\nstaff:x:50:bob\n"


def add_file(tar, name, content, mode=0o644, uid=0, gid=0):
    info = tarfile.TarInfo(name)
    data = content.encode() if isinstance(content, str) else content
    info.size, info.mode, info.uid, info.gid, info.mtime = len(data), mode, uid, gid, MTIME
    tar.addfile(info, io.BytesIO(data))


def add(tar, name, kind, mode=0o755, link="", device=(0, 0)):
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.linkname, info.mtime = kind, mode, link, MTIME
    info.devmajor, info.devminor = device
    tar.addfile(info)


def busybox(path, files=()):
    """Writes the tar of a root file system with every applet of busybox, users, and `files` (name -> content) on top."""
    with open(BUSYBOX, "rb") as file:
        program = file.read()
    applets = subprocess.run([BUSYBOX, "--list"], check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
        for folder in ("bin", "dev", "etc", "home", "home/bob", "proc", "root", "sys", "tmp", "var"):
            add(tar, folder, tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755)
        add_file(tar, "bin/busybox", program, 0o755)
        for applet in sorted(set(applets) - {"busybox"}):
            add(tar, "bin/" + applet, tarfile.SYMTYPE, 0o777, "busybox")
        add_file(tar, "etc/passwd", PASSWD)
        add_file(tar, "etc/group", GROUP)
        for name, content in dict(files).items():
            add_file(tar, name, content)
    return path


def members(path):
    """name -> TarInfo of a tar."""
    with tarfile.open(path) as tar:
        return {member.name: member for member in tar.getmembers()}
