"""Our figures beside the peers', paired in one run: `python benchmarks/run.py`.

Each pair runs in turn, A B A B …, as whole processes; the ratio is taken pair by pair and its median is
quoted, so that a machine whose speed drifts changes both sides. Nothing here judges: no test is timed.
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
RUNS = int(os.environ.get("RUNS", "5"))
SHOP = ROOT / "fixtures" / "apps" / "shop" / "groundplan.yaml"

Chain = Sequence[Sequence[str]]


def timed(chain: Chain, folder: Path) -> tuple[float, float]:
    """Wall seconds of commands run one after the other, and the largest peak memory in MiB."""
    begin = time.perf_counter()
    peak = 0.0
    for command in chain:
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, _, usage = os.wait4(process.pid, 0)
        process.returncode = 0
        peak = max(peak, usage.ru_maxrss / 1024)
    return time.perf_counter() - begin, peak


def pair(title: str, ours: Chain, theirs: Chain, folder: Path, fresh: Callable[[], None] = lambda: None) -> None:
    """Print medians of both and of the ratio."""
    rows = []
    for number in range(RUNS + 1):
        fresh()
        mine, peak = timed(ours, folder)
        other, other_peak = timed(theirs, folder)
        if number:  # the first pair warms the file cache
            rows.append((mine, other, mine / other, peak, other_peak))
    mine, other, ratio, peak, other_peak = (statistics.median(column) for column in zip(*rows, strict=True))
    low, high = min(row[2] for row in rows), max(row[2] for row in rows)
    print(f"{title}\n  ours {mine:.3f} s ({peak:.0f} MiB)   theirs {other:.3f} s ({other_peak:.0f} MiB)")
    print(f"  ratio {ratio:.2f} (from {low:.2f} to {high:.2f}, {RUNS} pairs)")


def checkov_python() -> Path | None:
    from generator.checkers import Settings, provision, user_cache

    found = provision.environment(Settings(cache=user_cache(), offline=True))
    return found if isinstance(found, Path) else None


def version(folder: Path) -> None:
    pair(
        "start: groundplan --version against python -c pass",
        [[str(BIN / "groundplan"), "--version"]],
        [[sys.executable, "-c", "pass"]],
        folder,
    )


def cold(folder: Path) -> None:
    """Everything from the spec to the verdict, against the peers on the files alone."""
    python = checkov_python()
    if python is None:
        print("cold check: not measured, checkov's environment is not set up (run `groundplan check` once)")
        return
    groundplan = str(BIN / "groundplan")
    shutil.copy(SHOP, folder)
    subprocess.run([groundplan, "generate", "-q"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    dockerfiles = sorted(str(path) for path in folder.rglob("Dockerfile*") if not path.name.endswith(".dockerignore"))
    manifests = sorted(
        str(path)
        for path in (folder / "kubernetes" / "base").rglob("*.yaml")
        if path.name not in {"kustomization.yaml", "httproute.yaml"} and path.parent.name != "secrets"
    )
    frameworks = ["--framework", "dockerfile", "kubernetes"]
    peers = [
        [str(BIN / "hadolint"), "--no-fail", *dockerfiles],
        [str(python), "-m", "checkov.main", "-d", str(folder), *frameworks, "--skip-download", "--quiet", "--compact"],
        [sys.executable, "-m", "kubernetes_validate", "--strict", "-k", "1.36", *manifests],
    ]

    def fresh() -> None:
        for path in (folder / "kubernetes", folder / "groundplan.lock"):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        subprocess.run([groundplan, "generate", "-q", "--force"], cwd=folder, check=True, stdout=subprocess.DEVNULL)

    ours = [[groundplan, "generate", "-q"], [groundplan, "check", "-q"]]
    pair(
        "cold: generate + check of the shop against hadolint, checkov, kubernetes-validate", ours, peers, folder, fresh
    )


def rendering(folder: Path) -> None:
    """The shop's files by us, from the spec, against as many by cookiecutter, from finished texts."""
    expected = ROOT / "fixtures" / "apps" / "shop" / "expected"
    template = folder / "template"
    body = template / "{{cookiecutter.name}}"
    for path in (path for path in expected.rglob("*") if path.is_file()):
        place = body / path.relative_to(expected)
        place.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_text(encoding="utf-8")
        place.write_text("{% raw %}" + text + "{% endraw %}{{cookiecutter.name}}\n", encoding="utf-8")
    (template / "cookiecutter.json").write_text('{"name": "out"}', encoding="utf-8")
    work = folder / "work"
    work.mkdir()
    shutil.copy(SHOP, work)

    def fresh() -> None:
        shutil.rmtree(folder / "out", ignore_errors=True)
        for path in sorted(work.iterdir()):
            if path.name != "groundplan.yaml":
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    pair(
        f"rendering: the {sum(1 for p in expected.rglob('*') if p.is_file())} files of the shop against cookiecutter",
        [[str(BIN / "groundplan"), "generate", "-q", "--spec", str(work / "groundplan.yaml")]],
        [[str(BIN / "cookiecutter"), "--no-input", "-o", str(folder), str(template)]],
        folder,
        fresh,
    )


def fifty(folder: Path) -> None:
    """Fifty services in three environments."""
    rows = ["apiVersion: groundplan/v1", "app: large", "owner: team-large", "services:"]
    runtimes = ("node", "python", "go", "java")
    for number in range(50):
        runtime = f"{{runtime: {runtimes[number % 4]}, port: {3000 + number}, build: {{context: apps/s{number}}}"
        calls = f", calls: [s{number + 1}]" if number % 5 != 4 else ""
        rows.append(f"  s{number}: {runtime}{calls}}}")
    rows += ["environments: {dev: {}, staging: {}, prod: {}}", ""]
    (folder / "groundplan.yaml").write_text("\n".join(rows), encoding="utf-8")
    command = [[str(BIN / "groundplan"), "generate", "-q"]]
    figures = []
    for _ in range(RUNS):
        for path in sorted(folder.iterdir()):
            if path.name != "groundplan.yaml":
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        figures.append(timed(command, folder))
    count = sum(1 for path in folder.rglob("*") if path.is_file()) - 2
    seconds, peak = statistics.median(row[0] for row in figures), max(row[1] for row in figures)
    print(f"fifty services: {count} files generated in {seconds:.2f} s (peak {peak:.0f} MiB, {RUNS} runs)")


def main() -> None:
    for figure in (version, cold, rendering, fifty):
        with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
            figure(Path(folder).resolve())
    print(f"peak memory of any child: {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
