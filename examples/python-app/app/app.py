"""Field notes: a small web service that keeps short notes in a file.

    GET  /             the page
    GET  /notes        all notes as JSON
    POST /notes        {"text": "..."} adds one
    GET  /health       "ok", and how many notes there are
"""
import os

from flask import Flask, abort, jsonify, render_template, request
from waitress import serve

from notes import NoteBook

HERE = os.path.dirname(os.path.abspath(__file__))

app = Flask(__name__)
book = NoteBook(os.environ.get("NOTES_DIR", os.path.join(HERE, "data")))


@app.get("/")
def page():
    return render_template("index.html", notes=book.all(), title=os.environ.get("NOTES_TITLE", "Field notes"))


@app.get("/notes")
def list_notes():
    return jsonify(book.all())


@app.post("/notes")
def add_note():
    body = request.get_json(silent=True)
    text = body.get("text", "") if isinstance(body, dict) else ""
    if not isinstance(text, str) or not text.strip():
        abort(400, "a note needs a text")
    return jsonify(book.add(text.strip())), 201


@app.get("/health")
def health():
    return jsonify(status="ok", notes=len(book.all()))


if __name__ == "__main__":
    port = int(os.environ.get("PORT", "8000"))
    print(f"listening on port {port}", flush=True)
    serve(app, host=os.environ.get("HOST", "0.0.0.0"), port=port, threads=4)
