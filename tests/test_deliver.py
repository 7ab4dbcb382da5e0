"""Messages to a real receiver on this machine; secrets in none of the lines."""

import http.server
import json
import logging
import threading

import pytest

from cx_nlp.deliver import check_urls, deliver
from cx_nlp.errors import UsageError


@pytest.fixture
def receiver():
    """(port, bodies): a webhook that keeps what it gets, and answers 500 below /broken."""
    bodies = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(500 if self.path.startswith("/broken") else 200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port, bodies
    server.shutdown()
    server.server_close()


def test_a_message_arrives_and_failures_are_lines_without_secrets(receiver, monkeypatch, caplog):
    port, bodies = receiver
    monkeypatch.setenv("HOOK_TOKEN", "s3cr3t-t0ken")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    base = f"json://127.0.0.1:{port}"
    urls = [
        f"{base}/ok/${{HOOK_TOKEN}}",
        f"{base}/broken/${{HOOK_TOKEN}}",
        "json://${NOT_SET_ANYWHERE}",
        "nonsense://${HOOK_TOKEN}",
    ]
    with caplog.at_level(logging.DEBUG):
        assert deliver("three alerts", "nps at deliver <b>12</b>", urls) == 1
    assert bodies[0]["title"] == "three alerts" and bodies[0]["message"] == "nps at deliver <b>12</b>"
    lines = [record.getMessage() for record in caplog.records if record.name == "cx_nlp"]
    assert len(lines) == 3 and "url 2 (json)" in lines[0] and "not set" in lines[1]
    assert "s3cr3t" not in caplog.text and "/broken" not in "".join(lines)


def test_no_urls_say_nothing():
    assert deliver("title", "body", []) == 0


@pytest.mark.parametrize(
    "url",
    [
        "mailtos://robot:hunter2@example.com", "slack://TokenA/TokenB/TokenC", "jsons://example.com/?token=abc", "not a url",
    ],
)  # fmt: skip
def test_a_secret_in_plain_text_is_refused_and_not_repeated(url):
    with pytest.raises(UsageError) as error:
        check_urls([url], where="alerts.urls")
    line = str(error.value)
    assert line.startswith("alerts.urls[1]: ") and not any(part in line for part in ("hunter2", "TokenA", "abc"))


def test_placeholders_and_bare_addresses_pass():
    check_urls(["${WHOLE}", "mailtos://robot:${PASSWORD}@example.com", "json://localhost/x", "slack://${TOKENS}"])
