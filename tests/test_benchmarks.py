"""The benchmarks' instruments measure what they say, and the one of the gateway runs."""

import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from greatrouter_benchmarks import peers, servers
from greatrouter_benchmarks.load import Exchange, Load, load
from greatrouter_benchmarks.servers import NotStarted, Server
from greatrouter_benchmarks.streams import StreamLoad
from greatrouter_benchmarks.usage import cpu_seconds, resident_bytes, tree

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
STREAM = HEAD + b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (b"data: a\n\n", b"data: [DONE]\n\n", b""))
BODY = b"data: a\n\ndata: [DONE]\n\n"


@contextmanager
def answering(answers: Sequence[Sequence[bytes]]) -> Iterator[Server]:
    """Answers each request on one connection after the other with its writes; a connection ends with its answers."""
    ours = os.getpid()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_answer, args=(listener, answers))
        thread.start()
        try:
            yield Server(listener.getsockname()[1], ours)
        finally:
            thread.join(10)


def _answer(listener: socket.socket, answers: Sequence[Sequence[bytes]]) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for writes in answers:
            connection.recv(65536)
            for write in writes:
                connection.sendall(write)


@pytest.mark.parametrize("size", [1, 2, 7, 31, len(STREAM)])
def test_a_chunked_answer_ends_where_it_ends_however_it_is_cut(size: int) -> None:
    pieces = [STREAM[at : at + size] for at in range(0, len(STREAM), size)]
    with answering([pieces, pieces]) as server:
        done = load(server, [b"GET / HTTP/1.1\r\n\r\n"], connections=1, total=2, keep=True)
    assert [b"".join(piece for _, piece in exchange.pieces) for exchange in done.exchanges] == [BODY, BODY]
    assert done.failures == 0
    assert all(exchange.started < exchange.pieces[0][0] <= exchange.ended for exchange in done.exchanges)


@pytest.mark.parametrize(
    "answer", [STREAM[:-5], b"nonsense\r\n\r\n", b"HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno"]
)
def test_what_is_cut_off_nonsense_or_refused_has_failed(answer: bytes) -> None:
    with answering([[answer]]) as server:
        done = load(server, [b"GET / HTTP/1.1\r\n\r\n"], connections=1, total=1)
    assert done.failures == 1


def stream(pieces: Sequence[tuple[float, bytes]]) -> Exchange:
    return Exchange(started=10.0, ended=pieces[-1][0], status=200, pieces=list(pieces))


def test_a_chunk_is_here_with_its_last_piece() -> None:
    pieces = [(10.5, b"data: sent@10.400000\n\ndata: sent@10."), (10.75, b"600000\n\n"), (11.0, b"data: [DONE]\n\n")]
    found = StreamLoad(Load([stream(pieces)], asked=1, seconds=1.0, cpu_s=0.0), chunks=2)
    assert found.first_ms(50) == pytest.approx(500)
    assert found.whole[0].lags == pytest.approx((100, 150))
    assert found.failures == 0


@pytest.mark.parametrize("last", [b"data: sent@10.600000\n\n", b"data: [DONE]\n\n"])
def test_a_stream_without_its_end_or_all_its_chunks_has_failed(last: bytes) -> None:
    pieces = [(10.5, b"data: sent@10.400000\n\n"), (10.7, last)]
    assert StreamLoad(Load([stream(pieces)], asked=1, seconds=1.0, cpu_s=0.0), chunks=2).failures == 1


def test_time_and_memory_are_those_of_the_whole_tree() -> None:
    work = "import time, sys\nblock = bytearray(b'x' * 50_000_000)\nwhile time.process_time() < 0.3: pass\n"
    child = f"{work}print(flush=True)\nsys.stdin.read()"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    with subprocess.Popen([sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert len(tree(process.pid)) == 2
        assert cpu_seconds(process.pid) >= 0.3
        assert resident_bytes(process.pid) > 50_000_000
        process.communicate()


def test_a_server_that_does_not_start_says_why() -> None:
    with (
        pytest.raises(NotStarted, match="no such thing"),
        servers.started([sys.executable, "-c", "raise SystemExit('no such thing')"], servers.free_port(), {}),
    ):
        pass


def test_a_peer_that_cannot_be_installed_is_left_out_with_a_word(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "litellm").write_text("a file where the environment would be")
    with ExitStack() as stack:
        assert peers.open_peers(["litellm"], tmp_path, Server(1, 1), stack) == []
    said = " ".join(capsys.readouterr().out.split())
    assert "litellm is left out: it cannot be installed here" in said


def test_the_gateway_benchmark_measures_every_table(tmp_path: Path) -> None:
    options = ["--requests", "20", "--connections", "2", "--streams", "20", "--slow", "4", "--pace-ms", "20"]
    command = [
        sys.executable,
        "-m",
        "greatrouter_api",
        "bench",
        "gateway",
        *options,
        "--rounds",
        "1",
        "--peers",
        "none",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert done.stderr == ""
    rows = [line.split() for line in done.stdout.splitlines() if line.split()[:1] == ["GreatRouter"]]
    assert len(rows) == 6
    whole, *streams, slow, memory = rows
    assert [row[-1] for row in (whole, *streams, memory)] == ["0"] * 5
    assert slow[1:4] == ["4", "of", "4"]
    assert "every balance agrees with its ledger" in done.stdout
    assert "$1000 of $1000" not in done.stdout


def test_the_ledger_benchmark_measures_every_table(tmp_path: Path) -> None:
    options = ["--charges", "40", "--callers", "1", "4", "--rounds", "1", "--paced", "50", "--folder", str(tmp_path)]
    command = [sys.executable, "-m", "greatrouter_api", "bench", "ledger", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert done.stderr == ""
    databases = ["SQLite"] if "PostgreSQL is left out" in done.stdout else ["SQLite", "PostgreSQL"]
    for name in ("bare database", "charged from", "reserved and", "50 a second"):
        rows = [line for line in done.stdout.splitlines() if re.match(rf" *{name}.*\d *$", line)]
        assert len(rows) == len(databases) * (1 if name == "50 a second" else 2)
        assert all(float(figure.replace(",", "")) > 0 for row in rows for figure in row.split()[-3:])
    assert [
        line.partition(":")[0] for line in done.stdout.splitlines() if "agrees with its ledger" in line
    ] == databases
    assert list(tmp_path.iterdir()) == []


def test_the_ledger_benchmark_says_what_is_wrong_with_a_url() -> None:
    options = [
        "--charges",
        "10",
        "--callers",
        "1",
        "--rounds",
        "1",
        "--paced",
        "--postgres",
        "postgresql://127.0.0.1:9/no",
    ]
    command = [sys.executable, "-m", "greatrouter_api", "bench", "ledger", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "--postgres: connection" in done.stderr
