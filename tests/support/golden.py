"""Expected texts in files, and how outputs are made comparable with them."""
import os
import re

_RULES = (
    (re.compile(r"sha256:[0-9a-f]{64}"), "sha256:<digest>"),
    (re.compile(r"\b(file|dir|multi):[0-9a-f]{64}"), r"\1:<digest>"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "<id>"),
    (re.compile(r"\b[0-9a-f]{12}\b"), "<short id>"),
)


def normalise(text):
    """Ids and digests, which differ from run to run, become their kind."""
    for pattern, name in _RULES:
        text = pattern.sub(name, text)
    return text


def compare(case, path, text):
    """Fails `case` where `text` is not the content of the file; writes the file under STRATA_UPDATE_GOLDEN=1."""
    if os.environ.get("STRATA_UPDATE_GOLDEN") == "1":
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", newline="") as file:
            file.write(text)
        return
    with open(path, newline="") as file:
        case.assertMultiLineEqual(text, file.read(), f"differs from {path} (STRATA_UPDATE_GOLDEN=1 rewrites it)")
