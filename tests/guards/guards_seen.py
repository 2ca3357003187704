"""Which guard sees what, by running them all. Run as a program, it writes it down in guards_seen.toml.

Each guard runs in processes of its own: forked, where that is possible, from one that has imported everything.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from multiprocessing.context import BaseContext
from pathlib import Path

from operations import OPERATIONS, Bench, Doing
from places import WHERE, is_at
from run_time_guards import CLOCKS, GUARDS, Complaint

from kata.audit import audit, project_root
from kata.gallery import galleries, gallery
from kata.guards import engines, table
from kata.guards.files import python_files
from kata.guards.table import Seen, Table, Turn
from kata.instruments.standins import EVERYBODY, Providers, providers
from kata.target import Target
from kata.verdict.preload import imports_of

HEAD = """\
# Which guard sees what. Written by `uv run python tests/guards/guards_seen.py`, which runs them all.
# finding: each alone, put back into the solution (6.1 and 6.2: as they are in the starter), done once before.
# false-alarms: the same operations on the solution; of the guards that read, what they say of all of it.
# first-time: the operations on the solution, each as the first thing that its process does; not asked of the guards
# with a clock, for which the disk, answers and pauses are slower here than their threshold.
# turn: of the gallery, the first right turn of each finding, and the first that leaves it, and who complains about the
# finding's place. Most start from the starter, where blockbuster may stop at another finding before it gets there.
"""

COUNTING = tuple(guard for guard in GUARDS if guard not in CLOCKS)
FIRST = ("pulse", "blockbuster")

SLOWNESS = 0.6
"""Seconds that the disk, an answer and a pause take longer, for the guards with a clock: well above their threshold."""

DEPENDS = {("3.1", guard) for guard in CLOCKS}
"""A client is built by the processor alone, so how long that takes is the machine's affair."""

TRIES = 4
"""How often a guard with a clock is asked at most: on a busy machine, anything may take long once."""

CODE = {
    "1.1": ["os.makedirs("],
    "1.2": ["with open(", "f.read()"],
    "1.3": ["with open(", "f.read()"],
    "1.4": ["time.sleep("],
    "1.5": ["NamedTemporaryFile(", "temp_file.write(", "with open(", "audio_file.read()", "os.unlink("],
    "2.1": ["_circuit_breaker.call(", "audio.transcriptions.create("],
    "2.2": ["_circuit_breaker.call(", 'b"".join('],
    "2.3": ["def memory_injection_node("],
    "3.1": ["httpx.AsyncClient("],
    "6.1": ["with open(", "file.write("],
    "6.2": [".search_memories(", ".store_memory(", "self._store.", "self._http.post("],
}
"""A finding's lines, by what stands on them: where it is to be mended, and where the loop waits."""

DEEPER = {"6.2": WHERE["2.3"]}
"""Where a finding's lines are besides its own place: what it calls waits there."""


@dataclass(frozen=True)
class Case:
    """A package, and the operation of a finding that is done with it.

    Attributes:
        name: Unique among the cases of a guard.
    """

    name: str
    finding: str
    package: Path

    def judged(self, complaints: Iterable[Complaint]) -> Seen:
        """What a guard's complaints are worth."""
        complaints = set(complaints)
        if any(self._is_its_line(*complaint) for complaint in complaints):
            return Seen.LINE
        return Seen.ELSEWHERE if complaints else Seen.UNSEEN

    def is_met_by(self, complaints: Iterable[Complaint]) -> bool:
        """Whether a guard complains about the finding's place, and not only about another finding there."""
        return any(path and self._is_met(path, line) for path, line in complaints)

    def _is_met(self, path: str, line: int) -> bool:
        here, source = str(self.package / path), self._source(path, line)
        others = [
            id for id in CODE if is_at(here, line, WHERE[id], self.package) and any(c in source for c in CODE[id])
        ]
        return is_at(here, line, WHERE[self.finding], self.package) and others in ([], [self.finding])

    def _source(self, path: str, line: int) -> str:
        return (self.package / path).read_text(encoding="utf-8").splitlines()[line - 1]

    def _is_its_line(self, path: str, line: int) -> bool:
        if not path:
            return False
        source = self._source(path, line)
        places = (*WHERE[self.finding], *DEEPER.get(self.finding, ()))
        stands_there = any(code in source for code in CODE[self.finding])
        return stands_there and is_at(str(self.package / path), line, places, self.package)


def measured(folder: Path, expected: Table | None = None) -> Table:
    """The table, made anew.

    Args:
        folder: An empty folder, in which packages are made.
        expected: What a guard with a clock is expected to say: if it does not, it is asked again. None asks twice.
    """
    cases = _Cases(folder)
    with _processes(folder) as pool, ThreadPoolExecutor() as threads:
        asked = {guard: pool.submit(said, guard, cases.counted) for guard in COUNTING}
        first = {(guard, case): pool.submit(said, guard, [case], first=True) for guard in FIRST for case in cases.sound}
        timed = {
            guard: threads.submit(_settled, pool, guard, cases.timed(guard), _expected(expected, guard))
            for guard in CLOCKS
        }
        heard = {guard: _read(guard, cases) for guard in _ENGINES}
        heard |= {guard: cases.judged(answer.result()) for guard, answer in asked.items()}
        heard |= {guard: answer.result() for guard, answer in timed.items()}
    return Table(
        static=tuple(_ENGINES),
        run_time=tuple(GUARDS),
        findings={id: {guard: seen.get(f"back {id}", Seen.DEPENDS) for guard, seen in heard.items()} for id in WHERE},
        false_alarms={
            guard: tuple(id for id in WHERE if seen[f"sound {id}"] is not Seen.UNSEEN) for guard, seen in heard.items()
        },
        first_time={
            guard: tuple(case.finding for case in cases.sound if any(first[guard, case].result().values()))
            for guard in FIRST
        },
        turns=tuple(
            replace(turn, guards=tuple(guard for guard in COUNTING if case.is_met_by(asked[guard].result()[case.name])))
            for case, turn in cases.turns
        ),
    )


def said(guard: str, cases: Sequence[Case], *, first: bool = False) -> dict[str, set[Complaint]]:
    """What a guard says of cases, by their names: in this process.

    Args:
        first: Whether what is watched is the first that this process does; if not, it has been done once before.
    """
    with providers(*EVERYBODY) as world:
        return {case.name: asyncio.run(_watched(guard, case, world, first)) for case in cases}


async def _watched(guard: str, case: Case, world: Providers, first: bool) -> set[Complaint]:
    if not first:
        async with _operation(case, world) as doing:
            await doing()
    async with _operation(case, world, SLOWNESS if guard in CLOCKS else 0.0) as doing:
        return await GUARDS[guard](doing, case.package)


@asynccontextmanager
async def _operation(case: Case, world: Providers, slowness: float = 0.0) -> AsyncIterator[Doing]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as room:
        bench = Bench(world, Path(os.path.realpath(room)), slowness)
        async with OPERATIONS[case.finding](Target(case.package), bench) as doing:
            yield doing
    for stand_in in world:
        stand_in.reset()


class _Cases:
    """What is put before the guards.

    Attributes:
        back: Each finding alone, put back into the solution.
        sound: The same operations on the solution.
        turns: The sample of the gallery.
        counted: All of these.
    """

    def __init__(self, folder: Path) -> None:
        starter, solution = project_root() / "starter", project_root() / "solution"
        self.sound = [Case(f"sound {id}", id, solution) for id in WHERE]
        self.back: list[Case] = []
        self.turns: list[tuple[Case, Turn]] = []
        for id in WHERE:
            if id not in galleries():
                self.back.append(Case(f"back {id}", id, starter))
                continue
            number = id.replace(".", "_")
            self.back.append(Case(f"back {id}", id, gallery(id).make_put_back(folder / f"back_{number}")))
            for verdict in ("fixed", "present"):
                turn = next(each for each in gallery(id).turns if each.verdict == verdict)
                case = Case(f"turn {id} {turn.name}", id, turn.make(folder / f"{verdict}_{number}"))
                self.turns.append((case, Turn(id, turn.name, verdict, ())))
        self.counted = [*self.back, *self.sound, *(case for case, _ in self.turns)]

    def timed(self, guard: str) -> list[Case]:
        """What a guard with a clock is asked about: not what depends on the machine."""
        return [*(case for case in self.back if (case.finding, guard) not in DEPENDS), *self.sound]

    def judged(self, heard: Mapping[str, set[Complaint]]) -> dict[str, Seen]:
        """What complaints are worth, by the cases' names."""
        return {case.name: case.judged(heard[case.name]) for case in self.counted}


_ENGINES: Mapping[str, Callable[[Sequence[str]], Iterable[engines.Hit]]] = {
    "ruff": lambda files: engines.ruff(files)[0],
    "flake8-async": engines.flake8_async,
    "ast-grep": lambda files: engines.ast_grep(files)[0],
}
"""The guards that read: the linters, asked for what blocks, and the course's own rules."""


def _read(guard: str, cases: _Cases) -> dict[str, Seen]:
    """What a guard that reads says of a package; of the starter, which has more findings than one, at its lines."""
    hits = {case.package: set[Complaint]() for case in (*cases.back, *cases.sound)}
    files = {file: package for package in hits for file in python_files(package)}
    for hit in _ENGINES[guard](list(files)):
        package = files[hit.path]
        hits[package].add((Path(hit.path).relative_to(package).as_posix(), hit.line))
    starter, heard = project_root() / "starter", {}
    for case in (*cases.back, *cases.sound):
        seen = case.judged(hits[case.package])
        heard[case.name] = Seen.UNSEEN if case.package == starter and seen is Seen.ELSEWHERE else seen
    return heard


def _settled(pool: Executor, guard: str, cases: Sequence[Case], expected: Mapping[str, Seen]) -> dict[str, Seen]:
    """What a guard with a clock says of cases: what is expected as soon as it says so, or else the same twice."""
    votes: dict[str, list[Seen]] = {case.name: [] for case in cases}
    left = list(cases)
    for _ in range(TRIES):
        answers = [pool.submit(said, guard, half) for half in (left[0::2], left[1::2]) if half]
        for answer in answers:
            for name, complaints in answer.result().items():
                votes[name].append(next(case for case in left if case.name == name).judged(complaints))
        left = [case for case in left if _agreed(votes[case.name], expected.get(case.name)) is None]
        if not left:
            break
    return {name: _agreed(cast, expected.get(name)) or cast[-1] for name, cast in votes.items()}


def _agreed(votes: Sequence[Seen], expected: Seen | None) -> Seen | None:
    if expected is not None:
        return expected if expected in votes else None
    return next((seen for seen, count in Counter(votes).items() if count > 1), None)


def _expected(table: Table | None, guard: str) -> dict[str, Seen]:
    """What a table says of the cases of a guard, by their names."""
    if table is None:
        return {}
    sound = {f"sound {id}": Seen.ELSEWHERE if id in table.false_alarms[guard] else Seen.UNSEEN for id in WHERE}
    return sound | {f"back {id}": row[guard] for id, row in table.findings.items()}


@contextmanager
def _processes(folder: Path) -> Iterator[Executor]:
    """Processes, each for one task: forked from one that has imported everything, but on Windows."""
    (folder / "chainlit").mkdir()
    os.environ.setdefault("CHAINLIT_APP_ROOT", str(folder / "chainlit"))  # where it keeps files; asked at its import
    context: BaseContext = multiprocessing.get_context("spawn")
    if "forkserver" in multiprocessing.get_all_start_methods():
        context = multiprocessing.get_context("forkserver")
        imports = {module for finding in audit().findings for module, _ in imports_of(finding)}
        context.set_forkserver_preload(sorted({*imports, "chainlit.server", "kata.instruments.pulse"}))
    with ProcessPoolExecutor(4, context, max_tasks_per_child=1) as pool:
        yield pool


def write(made: Table) -> None:
    """Write it down."""
    lines = [HEAD, f"static = {json.dumps(made.static)}", f"run-time = {json.dumps(made.run_time)}"]
    for title, rows in (("false-alarms", made.false_alarms), ("first-time", made.first_time)):
        lines += ["", f"[{title}]", *(f"{json.dumps(guard)} = {json.dumps(ids)}" for guard, ids in rows.items())]
    for id, row in made.findings.items():
        lines += [
            "",
            f'[finding."{id}"]',
            *(f"{json.dumps(guard)} = {json.dumps(said)}" for guard, said in row.items()),
        ]
    for turn in made.turns:
        values = {"finding": turn.finding, "name": turn.name, "verdict": turn.verdict, "guards": turn.guards}
        lines += [
            "",
            "[[turn]]",
            *(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()),
        ]
    table.FILE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="kata-guards-") as made:
        write(measured(Path(made)))
