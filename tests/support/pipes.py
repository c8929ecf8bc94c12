"""Pipes to a process that is being tested."""
import array
import fcntl
import termios


def is_empty(pipe):
    """Whether its reader has read all that was written."""
    left = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, left)
    return left[0] == 0
