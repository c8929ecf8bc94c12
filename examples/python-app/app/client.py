"""Tries the service that runs on this machine: python3 client.py [PORT] [TEXT]

Waits until it answers, adds a note, reads all notes and the page. Exit status 0 if all is well.
"""
import json
import sys
import time
import urllib.error
import urllib.request


def call(url, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return answer.read().decode()


def wait_for(url, seconds):
    deadline = time.monotonic() + seconds
    while True:
        try:
            return call(url)
        except urllib.error.HTTPError:
            raise
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def main():
    port = sys.argv[1] if len(sys.argv) > 1 else "8000"
    text = sys.argv[2] if len(sys.argv) > 2 else "written by client.py"
    service = f"http://127.0.0.1:{port}"
    print("GET  /health", wait_for(service + "/health", seconds=20).strip())
    print("POST /notes ", call(service + "/notes", {"text": text}).strip())
    notes = json.loads(call(service + "/notes"))
    page = call(service + "/")
    if notes[-1]["text"] != text or text not in page:
        sys.exit("the note is not there")
    print(f"GET  /       {len(page)} bytes of HTML with {len(notes)} notes")


if __name__ == "__main__":
    main()
