"""A small HTTP proxy of the test's own: whole URLs and CONNECT, to one server whatever host is asked for."""
import http.client
import http.server
import socket
import threading
import urllib.parse

from tests.support.serving import Serving


class Proxy(Serving):
    """Sends everything to `target` ("127.0.0.1:5000"). `log` has the method and the target of each request, as asked for."""

    def __init__(self, target, password=None):
        self.target, self.log = target, []
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def enter(self):
                proxy.log.append((self.command, self.path))
                if password is None or self.headers.get("Proxy-Authorization") == password:
                    return True
                self.send_response(407)
                self.send_header("Proxy-Authenticate", 'Basic realm="proxy"')
                self.send_header("Content-Length", "0")
                self.end_headers()
                return False

            def do_GET(self):
                if not self.enter():
                    return
                url = urllib.parse.urlsplit(self.path)
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length) if length else None
                link = http.client.HTTPConnection(proxy.target)
                link.putrequest(self.command, url.path + ("?" + url.query if url.query else ""), skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():  # some stand there several times
                    if not name.lower().startswith("proxy-"):
                        link.putheader(name, value)
                link.endheaders(body)
                answer = link.getresponse()
                data = answer.read()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                        self.send_header(name, value)
                self.send_header("Content-Length", answer.getheader("Content-Length") or str(len(data)))
                self.end_headers()
                self.wfile.write(data)
                link.close()

            do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = do_GET

            def do_CONNECT(self):
                if not self.enter():
                    return
                host, _, port = proxy.target.partition(":")
                with socket.create_connection((host, int(port))) as link:
                    self.send_response(200)
                    self.end_headers()
                    there = threading.Thread(target=pump, args=(self.connection, link), daemon=True)
                    there.start()
                    pump(link, self.connection)
                self.close_connection = True

        def pump(source, sink):
            try:
                while data := source.recv(65536):
                    sink.sendall(data)
                sink.shutdown(socket.SHUT_WR)
            except OSError:
                pass

        self.serve(Handler)
        self.host = f"127.0.0.1:{self.port}"
