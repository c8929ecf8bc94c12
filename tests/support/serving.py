"""What the small servers of the tests have in common."""
import http.server
import threading


class Serving:
    """Serves on a free port of 127.0.0.1, on a thread of its own, from serve() to stop(): `port`."""

    def serve(self, handler, server=http.server.ThreadingHTTPServer):
        self.server = server(("127.0.0.1", 0), handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
