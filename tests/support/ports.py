"""Ports for servers that are told which one to take."""
import socket


class Port:
    """A free port of 127.0.0.1, and nobody else's until release(), also while its server is away.

    It is bound here without listening. A server that sets SO_REUSEADDR, as they all do, binds it beside that; the kernel gives it to no
    one who asks for any port, and to no outgoing connection.
    """

    def __init__(self):
        self.holder = socket.socket()
        self.holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.holder.bind(("127.0.0.1", 0))
        self.number = self.holder.getsockname()[1]

    def release(self):
        self.holder.close()
