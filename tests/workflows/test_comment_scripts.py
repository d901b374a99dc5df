"""Reviews as comments: each is replaced by the next, and nobody else's comment is touched.

The services are stand-ins that keep comments: GitHub behind a program `gh` of ours, which knows `gh api` as far as
the scripts use it, and GitLab behind HTTP.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.system

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
TOKEN = "canary-7f3a91-token"
GH = f"""#!{sys.executable}
import json, os, pathlib, subprocess, sys

arguments = sys.argv[1:]
assert arguments.pop(0) == "api"
options, fields, place = {{}}, {{}}, ""
while arguments:
    word = arguments.pop(0)
    if word in ("--paginate", "--silent"):
        continue
    if word == "--field":
        name, _, value = arguments.pop(0).partition("=")
        fields[name] = pathlib.Path(value[1:]).read_text() if value.startswith("@") else value
    elif word.startswith("--"):
        options[word] = arguments.pop(0)
    else:
        place = word.partition("?")[0]
store = pathlib.Path(os.environ["STORE"])
entries = json.loads(store.read_text())
method = options.get("--method", "GET")
kind = "issues" if place.endswith("/issues") or "state" in fields or "title" in fields else "comments"
number = place.rpartition("/")[2]
if method == "GET":
    shown = [entry for entry in entries if entry["kind"] == kind and entry.get("state", "open") == "open"]
    subprocess.run(["jq", "-r", options["--jq"]], input=json.dumps(shown), text=True, check=True)
elif method == "POST":
    number = 100 + len(entries)
    entries.append({{"kind": kind, "id": number, "number": number, "user": {{"type": "Bot"}}, **fields}})
elif method == "PATCH":
    (one,) = [entry for entry in entries if str(entry["id"]) == number]
    one.update(fields)
elif method == "DELETE":
    entries = [entry for entry in entries if str(entry["id"]) != number]
store.write_text(json.dumps(entries))
"""


class GitHub:
    """Comments and issues of one repository, behind a program called gh."""

    def __init__(self, folder: Path) -> None:
        self.store = folder / "store.json"
        self.store.write_text("[]", encoding="utf-8")
        program = folder / "gh"
        program.write_text(GH, encoding="utf-8")
        program.chmod(0o755)
        self.environment = {
            "PATH": f"{folder}:{os.environ['PATH']}",
            "STORE": str(self.store),
            "GITHUB_REPOSITORY": "someone/homelab",
            "GH_TOKEN": TOKEN,
        }

    @property
    def entries(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.store.read_text(encoding="utf-8"))
        return found

    def add(self, body: str, *, user: str = "Bot") -> None:
        entry = {"kind": "comments", "id": 50 + len(self.entries), "user": {"type": user}, "body": body}
        self.store.write_text(json.dumps([*self.entries, entry]), encoding="utf-8")

    def run(self, script: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = [str(SCRIPTS / script), *map(str, arguments)]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)


class GitLab:
    """Notes of one merge request, behind HTTP; two a page, so that there are several pages."""

    def __init__(self, folder: Path) -> None:
        self.notes: list[dict[str, Any]] = []
        self.calls: list[str] = []
        gitlab = self

        class Handler(BaseHTTPRequestHandler):
            def handle_one(self) -> None:
                assert self.headers["PRIVATE-TOKEN"] == TOKEN
                gitlab.calls.append(f"{self.command} {self.path.partition('?')[0]}")
                content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                answer, headers = gitlab.answer(self.command, self.path, content.decode())
                body = json.dumps(answer).encode()
                self.send_response(200)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_DELETE = handle_one  # noqa: N815 - http.server's names

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        self.environment = {
            "PATH": os.environ["PATH"],
            "TMPDIR": str(folder),
            "CI_API_V4_URL": f"http://127.0.0.1:{self.server.server_port}/api/v4",
            "CI_PROJECT_ID": "7",
            "HOMELAB_GITLAB_TOKEN": TOKEN,
        }

    def answer(self, method: str, path: str, content: str) -> tuple[Any, dict[str, str]]:
        plain, _, query = path.partition("?")
        if plain == "/api/v4/user":
            return {"id": 1}, {}
        number = plain.rpartition("/")[2]
        if method == "GET":
            page = int(query.rpartition("page=")[2])
            following = str(page + 1) if page * 2 < len(self.notes) else ""
            return self.notes[page * 2 - 2 : page * 2], {"x-next-page": following}
        if method == "DELETE":
            self.notes = [note for note in self.notes if str(note["id"]) != number]
            return {}, {}
        body = content.split("\r\n\r\n", 1)[1].rsplit("\r\n--", 1)[0]
        if method == "POST":
            self.notes.append({"id": 100 + len(self.notes), "author": {"id": 1}, "body": body})
        else:
            next(note for note in self.notes if str(note["id"]) == number)["body"] = body
        return {}, {}

    def add(self, body: str, *, author: int = 1) -> None:
        self.notes.append({"id": 50 + len(self.notes), "author": {"id": author}, "body": body})

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = [str(SCRIPTS / "comment_on_merge_request.sh"), *map(str, arguments)]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def github(tmp_path: Path) -> GitHub:
    folder = tmp_path / "github"
    folder.mkdir()
    return GitHub(folder)


@pytest.fixture
def gitlab(tmp_path: Path) -> Iterator[GitLab]:
    running = GitLab(tmp_path)
    yield running
    running.close()


def _review(folder: Path, part: int, text: str, key: str = "plan") -> Path:
    file = folder / f"{key}-{part}.md"
    file.write_text(f"<!-- homelab-review {key} {part} -->\n{text}\n", encoding="utf-8")
    return file


def test_github_gets_a_comment_for_each_piece(github: GitHub, tmp_path: Path) -> None:
    result = github.run("comment_on_pull_request.sh", "3", _review(tmp_path, 1, "one"), _review(tmp_path, 2, "two"))
    assert (result.returncode, result.stderr) == (0, "")
    assert [entry["body"].splitlines()[1] for entry in github.entries] == ["one", "two"]


def test_github_s_comment_is_replaced_and_what_is_too_many_goes(github: GitHub, tmp_path: Path) -> None:
    github.run("comment_on_pull_request.sh", "3", _review(tmp_path, 1, "one"), _review(tmp_path, 2, "two"))
    github.run("comment_on_pull_request.sh", "3", _review(tmp_path, 1, "new"))
    assert [entry["body"] for entry in github.entries] == ["<!-- homelab-review plan 1 -->\nnew\n"]


def test_github_s_other_comments_stay(github: GitHub, tmp_path: Path) -> None:
    github.add("<!-- homelab-review diff 1 -->\nanother review")
    github.add("<!-- homelab-review plan 1 -->\nwritten by a person", user="User")
    github.add("words")
    github.run("comment_on_pull_request.sh", "3", _review(tmp_path, 1, "one"))
    assert [entry["body"].splitlines()[-1] for entry in github.entries] == [
        "another review",
        "written by a person",
        "words",
        "one",
    ]


def test_github_s_comments_come_back_with_carriage_returns(github: GitHub, tmp_path: Path) -> None:
    github.add("<!-- homelab-review plan 1 -->\r\nold")
    github.run("comment_on_pull_request.sh", "3", _review(tmp_path, 1, "new"))
    assert [entry["body"].splitlines()[1] for entry in github.entries] == ["new"]


@pytest.mark.parametrize("script", ["comment_on_pull_request.sh", "comment_on_merge_request.sh"])
def test_a_file_that_is_no_review_is_refused(github: GitHub, gitlab: GitLab, tmp_path: Path, script: str) -> None:
    file = tmp_path / "notes.md"
    file.write_text("words\n", encoding="utf-8")
    result = github.run(script, "3", file) if "pull" in script else gitlab.run("3", file)
    assert result.returncode == 1
    assert "notes.md is no review: its first line is no marker" in result.stderr
    assert github.entries == gitlab.notes == []


def test_gitlab_s_notes_are_made_replaced_and_removed_over_all_pages(gitlab: GitLab, tmp_path: Path) -> None:
    for number in range(3):
        gitlab.add(f"words {number}")
    gitlab.add("<!-- homelab-review plan 1 -->\nold")
    gitlab.add("<!-- homelab-review plan 2 -->\nold, second")
    gitlab.add("<!-- homelab-review plan 1 -->\nsomebody else's", author=2)
    result = gitlab.run("3", _review(tmp_path, 1, "new"))
    assert (result.returncode, result.stderr) == (0, "")
    assert [note["body"].splitlines()[-1] for note in gitlab.notes] == [
        "words 0",
        "words 1",
        "words 2",
        "new",
        "somebody else's",
    ]
    assert TOKEN not in result.stdout


def test_drift_is_one_issue_until_it_is_over(github: GitHub, tmp_path: Path) -> None:
    file = tmp_path / "drift.md"
    for code, text in (("2", "first"), ("3", "second")):
        file.write_text(text, encoding="utf-8")
        result = github.run("report_drift.sh", "prod", code, file)
        assert (result.returncode, result.stderr) == (0, "")
    (issue,) = github.entries
    assert (issue["title"], issue["body"]) == ("prod is not as its file says", "second")
    github.run("report_drift.sh", "prod", "0", file)
    assert github.entries[0]["state"] == "closed"


def test_a_review_that_failed_is_no_drift(github: GitHub, tmp_path: Path) -> None:
    assert github.run("report_drift.sh", "prod", "1", tmp_path / "none").returncode == 1
    assert github.entries == []
