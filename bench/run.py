"""What a hook costs, as ratios to the bare framework measured in the same run: ``python bench/run.py [--quick]``.

Needs wrk, and takes minutes. authgate runs as an operator runs it: its caller checked, SQLite on a disk, each record
committed before its answer, rules, metrics, each verdict logged. Beside it stand the bare framework and, where nginx
and PHP are installed, a script as operators write it by hand. docs/performance.md says how to read what is printed.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench import load, machine, page, plot, report, servers
from bench.parts import QUICK, Run, Size

HERE = Path(__file__).parent
DISK = Path("/var/tmp")  # noqa: S108 - /tmp may be in memory
PARTS = ("worker", "postgresql", "peer", "storm", "start", "hashes", "growth")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--quick", action="store_true", help="little of everything: whether it works, no figures")
    options.add_argument("--rounds", type=int, help=f"of each kind, instead of {Size.rounds}")
    options.add_argument("--seconds", type=int, help=f"of each round, instead of {Size.seconds}")
    options.add_argument("--only", choices=PARTS, action="append", help="this part alone; may be given again")
    options.add_argument("--folder", type=Path, default=DISK, help=f"on the disk that counts, instead of {DISK}")
    options.add_argument("--out", type=Path, default=HERE / "results.json", help="where the results go, in JSON")
    options.add_argument("--page", action="store_true", help="put the results into docs/performance.md")
    given = options.parse_args()
    if not load.available():
        raise SystemExit("bench: wrk is not installed")
    of_each = {name: value for name in ("rounds", "seconds") if (value := getattr(given, name))}
    if machine.in_memory(given.folder):
        raise SystemExit(f"bench: {given.folder} is in memory; say by --folder what is on a disk")
    size = replace(QUICK if given.quick else Size(), **of_each)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(dir=given.folder, prefix="authgate-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # the peer may be somebody else, and has a folder of its own in it
        described = dict(machine.described(folder))
        meanwhile = machine.Meanwhile()
        run = Run(size, folder)
        measure(run, given.only or PARTS)
        described["others meanwhile"] = meanwhile.told()
    minutes = (time.monotonic() - began) / 60
    found = report.written(run, described, minutes)
    print(f"\n{found}")
    given.out.write_text(json.dumps(report.as_json(run, described, minutes), indent=1) + "\n")
    if given.page:
        page.fill(found, report.sizes(run), plot.drawn(run.cases))


def measure(run: Run, parts: Sequence[str]) -> None:
    """Measure these parts, one after the other."""
    prepared = run.prepare()
    with servers.floor() as floor:
        steps = {
            "worker": lambda: run.one_worker(prepared, floor),
            "postgresql": lambda: run.postgresql(prepared, floor),
            "peer": lambda: run.two_workers(prepared),
            "storm": lambda: run.storm(prepared),
            "start": lambda: run.start(prepared),
            "hashes": run.hash,
            "growth": lambda: run.grown(quick=run.size == QUICK),
        }
        for part in parts:
            began = time.monotonic()
            steps[part]()
            print(f"{part}: {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
