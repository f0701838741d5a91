"""The command line, as its users run it."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from greatrouter_api.benches import NAMES
from greatrouter_api.cli import app
from greatrouter_api.cli_values import cents, moment
from greatrouter_api.terminal import CommandFailed

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs `greatrouter ...` in a home of its own."""
    home = tmp_path_factory.mktemp("home")

    def command(
        *arguments: str, stdin: str = "", check: bool = True, **environment: str
    ) -> "subprocess.CompletedProcess[str]":
        variables = {**os.environ, "GREATROUTER_HOME": str(home), **environment}
        done = subprocess.run(
            [sys.executable, "-m", "greatrouter_api", *arguments],
            check=False,
            env=variables,
            input=stdin,
            capture_output=True,
            text=True,
        )
        assert not check or done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        return done

    return command


def test_starting_it_imports_nothing_heavy() -> None:
    """What makes a command start slowly is imports; numpy alone takes a tenth of a second."""
    code = "import sys, greatrouter_api.cli; print(sorted(m for m in sys.modules if '.' not in m))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    heavy = (
        "numpy",
        "polars",
        "pyarrow",
        "duckdb",
        "faiss",
        "onnxruntime",
        "sklearn",
        "torch",
        "fastapi",
        "sqlalchemy",
        "pydantic",
    )
    assert [name for name in heavy if f"'{name}'" in loaded] == []


def commands(command: Any, *path: str) -> Iterator[tuple[list[str], str]]:
    """Every command as it is called, with each thing that its help has to name."""
    yield from (([*path], name) for parameter in command.params for name in parameter.opts if name.startswith("--"))
    for name, below in getattr(command, "commands", {}).items():
        yield [*path], name
        yield from commands(below, *path, name)


TAKEN = [
    *commands(typer.main.get_command(app)),
    *((["bench"], name) for name in NAMES),
    *((["bench", name], "options:") for name in NAMES),
]


@pytest.mark.parametrize(
    ("path", "taken"), TAKEN, ids=lambda value: value if isinstance(value, str) else "-".join(value)
)
def test_help_names_all_that_a_command_takes(path: list[str], taken: str) -> None:
    done = CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    assert "usage: " in done.output.lower()
    assert taken in done.output


def test_keys_create_prints_the_key_alone(run: Run) -> None:
    live = run("keys", "create", "--org", "acme", "--credit", "12.50").stdout
    assert live.startswith("pk_live_")
    assert live.count("\n") == 1
    assert run("keys", "create", "--org", "acme", "--test").stdout.startswith("pk_test_")
    assert run("accounts", "show", "--org", "acme").stdout.startswith("acme: $12.50\n")
    assert "acme" in run("keys", "list").stdout
    assert live.strip() not in run("keys", "list").stdout
    assert run("accounts", "verify").stdout
    run("keys", "revoke", live[:17])
    assert "revoked" in run("keys", "list").stdout


def test_keys_are_made_for_a_purpose_and_a_time_and_listed_with_both(run: Run) -> None:
    options = ("--scope", "inference", "--scope", "read", "--expires", "2999-01-31", "--rpm", "60", "--tpm", "1000000")
    prefix = run("keys", "create", "--org", "bounded", *options).stdout[:17]
    [row] = [line for line in run("keys", "list").stdout.split("pk_") if "bounded" in line]
    assert prefix.endswith(row.split()[0])
    words = " ".join(row.split())
    for part in ("inference", "read", "60 rpm", "1M", "tpm", "2999-01-31"):
        assert part in words
    assert "admin" not in words
    run("keys", "create", "--org", "bounded", "--expires", "90d")
    run("keys", "create", "--org", "bounded", "--expires", "2999-01-31T12:00+02:00")


def test_accounts_credit_and_statement(run: Run) -> None:
    run("keys", "create", "--org", "payer")
    run("accounts", "credit", "--org", "payer", "3.5")
    statement = run("accounts", "statement", "--org", "payer").stdout
    assert "payer: wallet, in US dollars" in statement
    assert re.search(r"grant +3\.50 ", statement)


def test_an_organization_without_the_option_is_asked_for_with_an_example(run: Run) -> None:
    for arguments, example in (
        (("accounts", "credit", "newco", "5"), "greatrouter accounts credit --org acme 12.50"),
        (("accounts", "plan", "--org", "newco"), "greatrouter accounts plan --org acme premium"),
        (("keys", "create"), "greatrouter keys create --org acme"),
    ):
        done = run(*arguments, check=False, COLUMNS="200")
        assert done.returncode == 2
        assert example in done.stderr


def test_what_needs_no_model_imports_none(tmp_path: Path) -> None:
    """`accounts show` took 2 s, of which 1.3 were imports of what it does not use."""
    code = "import sys; from greatrouter_api.cli import app; app(['accounts', 'show'], standalone_mode=False); "
    code += "print(sorted(m for m in sys.modules if '.' not in m or m.startswith('greatrouter_')), file=sys.stderr)"
    environment = {**os.environ, "GREATROUTER_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    heavy = ("numpy", "duckdb", "faiss", "onnxruntime", "fastapi", "greatrouter_catalog", "greatrouter_classifier")
    assert [name for name in heavy if f"'{name}'" in done.stderr] == []


def test_keys_are_listed_in_80_columns(run: Run) -> None:
    run("keys", "create", "--org", "a rather long name", "--plan", "premium", "--expires", "90d")
    options = ("--scope", "inference", "--scope", "read", "--rpm", "60", "--tpm", "250000", "--daily-budget", "5")
    run("keys", "create", "--org", "narrow", *options)
    run("keys", "revoke", run("keys", "create", "--org", "narrow", "--gr").stdout.strip())
    lines = run("keys", "list", COLUMNS="80").stdout.splitlines()
    assert max(map(len, lines)) <= 80
    words = {word for line in lines for word in line.split()}
    assert words >= {"premium", "inference", "read", "250k", "$5.00", "revoked", "all", "narrow", "rather"}
    assert "last" not in words  # a column without any cell is left out
    assert {"last", "ends"} & {word for line in run("keys", "list").stdout.splitlines() for word in line.split()} == {
        "ends"
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("keys", "create", "--org", "x", "--credit", "lots"), "12.50"),
        (("keys", "create", "--org", "nobody", "--test", "--credit", "5"), "a test key costs nothing"),
        (("keys", "create", "--org", "x", "--credit", "-1"), "out of range"),
        (("keys", "create", "--org", "x", "--plan", "gold"), "premium"),
        (("keys", "create", "--org", "x", "--scope", "root"), "allowed: inference, read, admin"),
        (("keys", "create", "--org", "x", "--expires", "soon"), "2027-01-31"),
        (("keys", "create", "--org", "x", "--expires", "2020-01-31"), "a moment to come"),
        (("keys", "create", "--org", "x", "--expires", "9999-12-31T23:59-10:00"), "is no moment"),
        (("keys", "revoke", "pk_live_nothing"), "keys list"),
        (("accounts", "show", "--org", "nobody"), "nobody"),
        (("accounts", "credit", "--org", "nobody", "1"), "nobody"),
        (("accounts", "credit", "--org", "nobody", "0.00000000001"), "at most 10 decimals"),
        (("accounts", "statement", "--org", "nobody"), "nobody"),
        (("accounts", "statement", "--org", "nobody", "--csv"), "nobody"),
        (("accounts", "statement", "--org", "x", "--after", "yesterday"), "2027-01-31"),
        (("accounts", "statement", "--org", "x", "--before", "999999d"), "2027-01-31"),
        (("accounts", "statement", "--org", "x", "--after", "0001-01-01T00:00+14:00"), "2027-01-31"),
        (("catalog", "show", "nobody/nothing"), "no model"),
        (("catalog", "show", "openai/gpt4o"), "did you mean openai/gpt-4o"),
        (("catalog", "import", "/nowhere.json"), "cannot read"),
        (("catalog", "export", "models.xls"), ".parquet"),
        (("classify", "--jsonl", "/nowhere.jsonl"), "cannot read"),
        (("models", "warm", "nobody/nothing"), "nobody/nothing"),
        (("bench", "nothing"), "classifier"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line_and_status_1(run: Run, arguments: tuple[str, ...], said: str) -> None:
    done = run(*arguments, check=False)
    assert done.returncode == 1
    assert said in done.stderr + done.stdout


def test_classify_one_prompt(run: Run) -> None:
    found = json.loads(run("classify", "Draw a watercolor fox").stdout)
    assert (found["task"], found["decision"]) == ("image", "regex")


def test_classify_in_bulk_keeps_the_order_and_every_field(run: Run) -> None:
    prompts = ["Draw a watercolor fox", "write a sql query for the top ten customers", "hm", "画一只猫"]
    lines = "\n".join(json.dumps({"prompt": prompt, "row": i}) for i, prompt in enumerate(prompts * 100))
    rows = [json.loads(line) for line in run("classify", "--jsonl", "-", stdin=lines).stdout.splitlines()]
    assert [row["row"] for row in rows] == list(range(400))
    assert [row["prompt"] for row in rows] == prompts * 100
    assert {row["classification"]["task"] for row in rows[0::4]} == {"image"}


@pytest.mark.parametrize("line", ["{", '{"text": "a"}', '{"prompt": 1}', "[]"])
def test_a_bad_line_is_named(run: Run, line: str) -> None:
    done = run("classify", "--jsonl", "-", stdin='{"prompt": "a"}\n' + line, check=False)
    assert done.returncode == 1
    assert "line 2" in done.stderr


def test_suggest_as_a_table_and_as_json(run: Run) -> None:
    answer = json.loads(run("suggest", "Draw a watercolor fox", "--json", "--limit", "3").stdout)
    assert len(answer["suggestions"]) == 3
    text = run("suggest", "Draw a watercolor fox", "--optimization", "price-optimized").stdout
    assert "image" in text
    assert "Why number 1" in text


def test_an_unknown_optimization_lists_the_allowed_ones(run: Run) -> None:
    done = run("suggest", "hello", "--optimization", "cheapest", check=False)
    assert done.returncode == 1
    assert "price-optimized" in done.stderr


def test_the_catalog_is_shown_imported_and_exported(run: Run, tmp_path: Path) -> None:
    assert "routable" in run("catalog", "show").stdout
    before = json.loads(run("catalog", "show", "openai/gpt-4o").stdout)[0]
    assert before["pricing"]["input_per_million_tokens"] == 2.5
    feed = {
        "gpt-4o": {
            "litellm_provider": "openai",
            "mode": "chat",
            "input_cost_per_token": 1e-06,
            "output_cost_per_token": 4e-06,
        }
    }
    file = tmp_path / "prices.json"
    file.write_text(json.dumps(feed))
    run("catalog", "import", str(file))
    after = json.loads(run("catalog", "show", "openai/gpt-4o").stdout)[0]
    assert after["pricing"]["input_per_million_tokens"] == 1
    assert after["benchmarks"] == before["benchmarks"]
    for suffix in (".parquet", ".csv", ".jsonl"):
        run("catalog", "export", str(tmp_path / f"models{suffix}"))
        assert (tmp_path / f"models{suffix}").stat().st_size > 100_000


def test_a_corrupt_snapshot_is_said_plainly(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "catalog"
    folder.mkdir()
    (folder / "CURRENT").write_text("catalog-broken.duckdb\n")
    (folder / "catalog-broken.duckdb").write_bytes(b"not a database" * 1000)
    done = run("catalog", "show", check=False, GREATROUTER_HOME=str(tmp_path))
    assert done.returncode == 1
    assert "corrupt" in done.stderr
    assert "delete" in done.stderr


def test_offline_refresh_changes_nothing_and_says_why(run: Run) -> None:
    version = run("catalog", "show").stdout.splitlines()[0]
    done = run("catalog", "refresh", check=False, https_proxy="http://127.0.0.1:9", HTTPS_PROXY="http://127.0.0.1:9")
    assert done.returncode == 1
    assert "unchanged" in done.stderr
    assert run("catalog", "show").stdout.splitlines()[0] == version


def test_models_are_listed_with_their_backend_and_the_reason(run: Run) -> None:
    assert "ONNX Runtime" in " ".join(run("models", "list").stdout.split())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[providers.lab]\n", "base_url"),
        ("[providers.lab]\nbase_url = 'ftp://x'\n", "base_url"),
        ("prot = 1\n", "prot"),
        ("max_body_bytes = 'many'\n", "max_body_bytes"),
        ("not toml at all", "settings file"),
    ],
)
def test_a_wrong_setting_is_named(run: Run, tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "greatrouter.toml").write_text(content)
    done = run("keys", "list", check=False, GREATROUTER_HOME=str(tmp_path))
    assert done.returncode == 1
    assert said in done.stderr


def test_a_damaged_secret_is_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "secret").touch()
    done = run("keys", "list", check=False, GREATROUTER_HOME=str(tmp_path))
    assert done.returncode == 1
    assert f"{tmp_path / 'secret'} is damaged" in done.stderr


def test_training_without_prompts_keeps_the_calibration(run: Run, tmp_path: Path) -> None:
    (tmp_path / "calibration.json").write_text("fitted on prompts that are not here")
    assert "left as it is" in run("classifier", "train", "--out", str(tmp_path)).stdout
    assert (tmp_path / "calibration.json").read_text() == "fitted on prompts that are not here"
    assert (tmp_path / "exemplars.npz").exists()


def test_a_missing_model_folder_is_said_and_the_rules_still_work(run: Run, tmp_path: Path) -> None:
    (tmp_path / "greatrouter.toml").write_text(
        '[[local_models]]\nid = "my/model"\npath = "/nowhere/model"\n'
        '[[local_models]]\nid = "other/fake"\nbackend = "fake"\n'
    )
    environment = {"GREATROUTER_HOME": str(tmp_path), "GREATROUTER_EMBEDDER": "my/model"}
    done = run("models", "warm", "my/model", check=False, **environment)
    assert done.returncode == 1
    assert "/nowhere/model" in done.stdout
    assert json.loads(run("classify", "Draw a watercolor fox", **environment).stdout)["task"] == "image"


def test_a_server_that_cannot_start_says_why_in_one_line(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "catalog"
    folder.mkdir()
    (folder / "CURRENT").write_text("catalog-broken.duckdb\n")
    (folder / "catalog-broken.duckdb").write_bytes(b"not a database" * 1000)
    done = run("serve", "--port", "0", check=False, GREATROUTER_HOME=str(tmp_path))
    assert done.returncode != 0
    assert "corrupt" in done.stderr


WRONG_USES = [
    ((), ""),  # the whole help, on standard output
    (("keys", "create"), "Missing option '--org'"),
    (("keys", "revoke"), "Missing argument"),
    (("accounts", "nope"), "No such command 'nope'; see"),
    (("keys", "create", "--nope"), "No such option"),
    (("serve", "--port", "x"), "--port"),
    (("accounts", "show", f"pk_live_abcdefghi_{'0' * 32}"), "pk_live_abcdefghi_..."),
    *((("keys", "create", "--org", "acme", option, "0"), option) for option in ("--rpm", "--tpm", "--concurrent")),
    *(
        (("keys", "create", "--org", "acme", "--rpm", odd), "no whole number")
        for odd in ("1_0", "１２", " 5 ", "1e3", "-1")
    ),
    (("accounts", "statement", "--org", "acme", "--limit", "99999999999999999999"), "1,000,000,000,000"),
]


@pytest.mark.parametrize(("arguments", "words"), WRONG_USES, ids=str)
def test_a_command_that_is_called_wrongly_says_so_in_one_line(arguments: tuple[str, ...], words: str) -> None:
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    lines = done.stderr.splitlines()
    assert len(lines) == (1 if words else 0)
    assert words in done.stderr
    assert "0" * 32 not in done.stderr


@pytest.mark.parametrize(
    "odd", ["1_0", "１２", "٣", " 5 ", "5\n", "5,00", "0x10", "$5", "", ".", "1e", "nan", "inf", "+-1"]
)
def test_an_amount_is_written_in_plain_digits(odd: str) -> None:
    with pytest.raises(CommandFailed, match="write it as 12"):
        cents(odd)


@pytest.mark.parametrize(("plain", "amount"), [("12.50", 1250), ("5", 500), (".5", 50), ("5.", 500), ("1e3", 100_000)])
def test_amounts_as_people_write_them(plain: str, amount: int) -> None:
    assert cents(plain) == amount


@pytest.mark.parametrize("odd", ["２d", "９0h", "٣d", "２０２７-01-31", "2027-01-３1", " 2d", "2d\n", "2 d", "1_0d"])
def test_a_moment_is_written_in_plain_digits(odd: str) -> None:
    with pytest.raises(CommandFailed, match="is no moment"):
        moment(odd)
