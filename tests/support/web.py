"""A web server of the test's own, on the loopback device."""
import http.server

from tests.support.serving import Serving


class Web(Serving):
    """Serves `pages`: path -> (status, headers, body). A page without Content-Length gets the right one, unless its value is None.

    `log` has the path of each request.
    """

    def __init__(self):
        self.pages, self.log = {}, []
        web = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                web.log.append(self.path)
                status, headers, body = web.pages.get(self.path.partition("?")[0], (404, {}, b"not here\n"))
                headers = {"Content-Length": str(len(body))} | headers
                self.send_response(status)
                for name, value in headers.items():
                    if value is not None:
                        self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

        self.serve(Handler)
        self.url = f"http://127.0.0.1:{self.port}"


DATE = {"Last-Modified": "Mon, 02 Jan 2006 15:04:05 GMT"}
PAGES = {
    "/f.txt": (200, DATE, b"body\n"), "/bad-date": (200, {"Last-Modified": "yesterday"}, b"x"), "/a%20b": (200, {}, b"space"),
    "/": (200, {}, b"root"), "/named/": (200, {"Content-Disposition": 'attachment; filename="../cd.txt"'}, b"cd"),
    "/moved": (302, {"Location": "/f.txt"}, b""), "/loop": (302, {"Location": "/loop"}, b""), "/ftp": (302, {"Location": "ftp://x/y"}, b""),
    "/cut": (200, {"Content-Length": "100"}, b"short"), "/broken": (500, {}, b" oops\nsecond line\n"),
    "/empty": (200, {}, b""), "/endless": (200, {"Content-Length": None}, b"until the end"), "/big": (200, {}, b"x" * 3_000_000),
}
