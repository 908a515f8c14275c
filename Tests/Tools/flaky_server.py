"""An HTTP server that misbehaves on purpose, for the tests of downloads.

    python3 flaky_server.py FILE

serves the bytes of FILE on a free port of this machine, prints the port, and ends when its standard input closes.
The first part of the path says how:

    /whole/…        as it should be, with byte ranges
    /drops/…        every connection breaks after a third of the file; ranges are honoured
    /drops-once/…   the first connection breaks halfway; ranges are ignored
    /page/…         a web page with status 200 instead of the file
    /page-later/…   the first connection breaks halfway, then there is only the web page
    /silent-page/…  the web page, announced as application/octet-stream
    /busy/…         status 503 twice, then the file
    /missing/…      status 404
    /moved/…        a redirection to /whole/…
    /changed/…      the first connection breaks halfway; then the file has other content and another tag
    /unknown/…      the file without its length
    /slow/…         half of the file, and then nothing for a long time
    /log            the requests so far, one a line: path and range
"""

import http.server
import sys
import threading
import time

CONTENT = open(sys.argv[1], "rb").read()
PAGE = b"<!DOCTYPE html><html><head><title>Google Drive - Quota exceeded</title></head><body>Sorry.</body></html>"
LOG = []
COUNTS = {}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        self.close_connection = True
        if self.path == "/log":
            return self.answer(200, "\n".join(LOG).encode(), {"Content-Type": "text/plain"})
        LOG.append(f"{self.path} {self.headers.get('Range', '-')} {self.headers.get('If-Range', '-')}")
        COUNTS[self.path] = COUNTS.get(self.path, 0) + 1
        count = COUNTS[self.path]
        kind = self.path.split("/")[1]
        page = {"Content-Type": "text/html; charset=utf-8"}
        if kind == "whole":
            self.file(CONTENT, ranges=True)
        elif kind == "drops":
            self.file(CONTENT, ranges=True, limit=len(CONTENT) // 3 + 1)
        elif kind == "drops-once":
            self.file(CONTENT, limit=len(CONTENT) // 2 if count == 1 else None)
        elif kind == "page":
            self.answer(200, PAGE, page)
        elif kind == "page-later":
            if count == 1:
                self.file(CONTENT, limit=len(CONTENT) // 2)
            else:
                self.answer(200, PAGE, page)
        elif kind == "silent-page":
            self.answer(200, PAGE, {"Content-Type": "application/octet-stream"})
        elif kind == "busy":
            if count <= 2:
                self.answer(503, b"busy", {})
            else:
                self.file(CONTENT, ranges=True)
        elif kind == "moved":
            self.answer(302, b"", {"Location": self.path.replace("/moved/", "/whole/")})
        elif kind == "changed":
            if count == 1:
                self.file(bytes(len(CONTENT)), ranges=True, limit=len(CONTENT) // 2, tag='"old"')
            else:
                self.file(CONTENT, ranges=True, tag='"new"')
        elif kind == "unknown":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(CONTENT)
        elif kind == "slow":
            self.file(CONTENT, limit=len(CONTENT) // 2)
            self.wfile.flush()
            time.sleep(60)
        else:
            self.answer(404, b"not here", {})

    def answer(self, status, body, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def file(self, content, ranges=False, limit=None, tag=None):
        start = 0
        wanted = self.headers.get("Range")
        if_range = self.headers.get("If-Range")
        if ranges and wanted and (if_range is None or if_range == tag):
            start = int(wanted.removeprefix("bytes=").split("-")[0])
            if start >= len(content):
                return self.answer(416, b"", {"Content-Range": f"bytes */{len(content)}"})
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if tag:
            self.send_header("ETag", tag)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        end = len(content) if limit is None else min(len(content), start + limit)
        self.wfile.write(content[start:end])


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
sys.stdin.read()
