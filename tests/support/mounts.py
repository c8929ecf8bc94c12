"""Mounts of this machine, as far as tests must know about them."""
import re
import subprocess


def below(folder):
    """Mount points at or below `folder`, deepest first."""
    with open("/proc/self/mountinfo", errors="surrogateescape") as file:
        points = [re.sub(r"\\(\d{3})", lambda octal: chr(int(octal[1], 8)), line.split()[4]) for line in file]
    return sorted((point for point in points if (point + "/").startswith(folder.rstrip("/") + "/")), key=len, reverse=True)


def unmount_below(folder):
    """Unmounts all that `below` names. Returns what that was."""
    points = below(folder)
    for point in points:
        subprocess.run(["umount", "--lazy", point], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return points
