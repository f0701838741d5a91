"""The rerank benchmark's arithmetic, and that it runs on a collection in its format."""

import json
import math
from pathlib import Path

import pytest

from greatrouter_benchmarks.rerank import COLLECTIONS, main, ndcg, read_collection


def test_ndcg_is_what_the_formula_gives_by_hand() -> None:
    grades = {"a": 3, "b": 2, "c": 0, "d": 1}
    ideal = 3 + 2 / math.log2(3) + 1 / 2
    assert ndcg(["a", "b", "d", "c"], grades) == pytest.approx(1)
    assert ndcg(["c", "a", "unjudged", "b"], grades) == pytest.approx((3 / math.log2(3) + 2 / math.log2(5)) / ideal)
    assert ndcg([f"x{i}" for i in range(10)] + ["a"], grades) == 0


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    texts = {"1": "reset your password here\u2028in two steps", "2": "bananas are yellow", "3": "rivers run to the sea"}
    for name in COLLECTIONS:
        folder = tmp_path / name
        folder.mkdir()
        for file, rows in (("corpus", texts), ("queries", {"q": "how to reset a password", "unjudged": "tea"})):
            lines = [json.dumps({"_id": key, "text": text}, ensure_ascii=False) for key, text in rows.items()]
            (folder / f"{file}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq\t1\t2\nq\t2\t-1\n")
    candidates = "run\tquery-id\tcorpus-id\trank\tscore\nBM25\tq\t2\t1\t9\nBM25\tq\t1\t2\t8\nOTHER\tq\t3\t1\t9\n"
    (tmp_path / COLLECTIONS[1] / "candidates.tsv").write_text(candidates)
    return tmp_path


def test_candidates_come_from_the_file_or_from_bm25(data_dir: Path) -> None:
    first, second = (read_collection(data_dir / name) for name in COLLECTIONS)
    assert first.candidates["q"][0] == "1"
    assert second.candidates["q"] == ["2", "1"]
    assert second.judged["q"] == {"1": 2, "2": 0}


def test_the_benchmark_prints_a_line_for_each_collection(
    data_dir: Path, minilm: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main(data_dir)
    printed = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert printed[1] == ["cranfield", "1", "1.000", "1.000", "1.000"]
    assert printed[2] == ["trec_dl19_passage_pool", "1", "0.631", "1.000", "1.000"]
