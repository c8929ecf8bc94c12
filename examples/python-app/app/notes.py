"""The notes on disk: one JSON file, replaced as a whole, and a journal of what was done."""
import json
import os
import threading
import time


class NoteBook:
    """All notes of one folder. Safe for the threads of one process."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "notes.json")
        self.journal = os.path.join(folder, "journal.log")
        self.welcome = os.path.join(folder, "WELCOME")
        self.lock = threading.Lock()

    def all(self):
        with open(self.path, encoding="utf-8") as file:
            return json.load(file)

    def add(self, text):
        """Appends a note. The first one removes the welcome text that the image brings along."""
        with self.lock:
            notes = self.all()
            note = {"id": len(notes) + 1, "text": text, "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
            self._write(notes + [note])
            with open(self.journal, "a", encoding="utf-8") as file:
                file.write(f"{note['at']} added {note['id']}\n")
            if os.path.exists(self.welcome):
                os.unlink(self.welcome)
            return note

    def _write(self, notes):
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            json.dump(notes, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.replace(self.path + ".new", self.path)
