"""What a newcomer sees: the demo from a bare home, with the real model."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx2


def environment(home: Path) -> dict[str, str]:
    return {**os.environ, "GREATROUTER_HOME": str(home), "COLUMNS": "100"}


def test_once_prints_decisions_and_a_real_rerank_and_stops(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "greatrouter_api", "demo", "--once", "--port", "0"]
    done = subprocess.run(command, env=environment(tmp_path), capture_output=True, text=True, timeout=120, check=True)
    assert done.stderr == ""
    for task in ("text", "code", "image", "video", "music", "speech", "web_search"):
        assert task in done.stdout, task
    assert "likely to answer well" in " ".join(done.stdout.split())
    first = re.search(r"^\s*1\s+0\.\d+\s+(.+)$", done.stdout, flags=re.M)
    assert first is not None
    assert "refund" in done.stdout[first.start() : first.start() + 200]


def test_it_keeps_serving_with_a_key_that_works_until_interrupted(tmp_path: Path) -> None:
    command = [sys.executable, "-u", "-m", "greatrouter_api", "demo", "--port", "0"]
    with subprocess.Popen(command, env=environment(tmp_path), stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            seen = ""
            for line in process.stdout:
                seen += line
                if "Ctrl-C" in line:
                    break
            key = re.search(r"pk_test_\w+", seen)
            url = re.search(r"http://127\.0\.0\.1:\d+", seen)
            assert key is not None
            assert url is not None
            answer = httpx2.post(
                f"{url[0]}/v1/auto/route",
                json={"prompt": "the sea at dusk, gulls, an old lighthouse, oil on canvas", "input": {}},
                headers={"Authorization": f"Bearer {key[0]}"},
            ).json()
            assert answer["classification"]["decision"] in ("knn", "regex")
            assert httpx2.get(f"{url[0]}/readyz").json()["status"] == "ready"
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 0
        finally:
            process.kill()
