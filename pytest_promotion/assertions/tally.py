"""What was judged in the call of one gate, and what speaks against its success."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from pytest_promotion.model import Judged

Source = tuple[str, int, int]  # file, and where an expression in it ends
Mark = tuple[int, int]  # how many sources had nothing and how many something, up to a moment


_MAY_BE_EMPTY: Final = "where it may be, say so by measure.none(…, among=…, may_be_empty=True)"


class Tally:
    """Counts while a gate is called, and is otherwise inactive."""

    __slots__ = (
        "_ages",
        "_before",
        "_doubt",
        "_empty",
        "_found",
        "_held",
        "_hollow",
        "_nothing",
        "_pending",
        "_sources",
        "_swallowed",
        "active",
        "entered",
        "expected",
        "judgements",
    )

    def __init__(self) -> None:
        self.active = False
        self.entered: set[str] = set()  # the names of the test functions whose bodies began to run
        self.judgements = 0
        self.expected = 0  # assertions and measurements in the functions that ran, executed or not
        self._ages = 0
        self._before = 0  # judgements before the measurement that runs
        self._doubt = self._swallowed = ""
        self._hollow: dict[str, str] = {}  # by place: why it judged nothing
        self._held: set[str] = set()  # the places that judged something
        self._nothing: dict[str, str] = {}  # by the place of the assertion that is evaluated: what it compares is empty
        self._pending: list[str] = []
        self._sources: dict[Source, bool] = {}
        self._empty = self._found = 0

    def result(self) -> Judged:
        """What was counted so far."""
        swallowed = self._swallowed or (f"{self._pending[0]} failed" if self._pending else "")
        # That evidence is fresh is a judgement, and not the one that the gate was written for.
        ages = self._ages if self.judgements or not self.expected else 0
        hollow = next((why for where, why in self._hollow.items() if where not in self._held), "")
        return Judged(self.judgements + ages, hollow, self._doubt, swallowed)

    # --- judgements ---

    def judge(self) -> None:
        """Something was judged; what a fixture judges before the gate is called is not its judgement."""
        self.judgements += self.active

    def judge_age(self) -> None:
        """An age was judged. Alone it is enough only for a gate that has nothing else to judge."""
        self._ages += self.active

    def assertion(self, where: str, sources: Iterable[Source], mark: Mark | None = None) -> None:
        """An assertion was executed and did not fail; *mark* is from before it where it calls functions."""
        empty = self._nothing.pop(where, "") or self.rests_on_nothing(sources, mark)
        if empty:
            self.set_hollow(where, empty)
        else:
            self._held.add(where)
            self.judge()

    def compares_nothing(self, where: str, why: str) -> None:
        """The assertion at *where* is about to hold of nothing."""
        self._nothing[where] = why

    def set_hollow(self, where: str, why: str) -> None:
        """What stands at *where* does not count, unless it judged something at another time."""
        if self.active:
            self._hollow.setdefault(where, f"{where} {why}")

    def doubt(self, sentence: str) -> None:
        """What was judged cannot be relied on."""
        self._doubt = self._doubt or sentence

    def failure(self, sentence: str) -> None:
        """A failure was raised; it is swallowed if the gate passes all the same."""
        self._swallowed = self._swallowed or sentence

    def begin(self, where: str) -> None:
        """A call that may fail begins."""
        self._pending.append(where)

    def end(self, where: str) -> None:
        """It did not fail."""
        if where in self._pending:
            self._pending.remove(where)

    # --- where values come from ---

    def saw(self, source: Source, *, something: bool) -> None:
        """A source was evaluated, and there was something or nothing."""
        self._sources[source] = something or self._sources.get(source, False)
        if something:
            self._found += 1
        else:
            self._empty += 1

    def watch(self, iterable: Iterable[Any], source: Source) -> Iterator[Any]:
        """The elements of an iterable without a length; notes whether there were any."""
        something = False
        for element in iterable:
            if not something:
                something = True
                self.saw(source, something=True)
            yield element
        if not something:
            self.saw(source, something=False)

    def mark(self) -> Mark:
        """What was looked at so far: what follows may call functions that find nothing."""
        return self._empty, self._found

    def settle(self, source: Source, mark: Mark) -> None:
        """What was called since *mark* is a source itself."""
        if (self._empty, self._found) != mark:
            self.saw(source, something=self._found > mark[1])

    def rests_on_nothing(self, sources: Iterable[Source], mark: Mark | None = None) -> str:
        """Why an assertion that was just evaluated judged nothing; "" where it judged something."""
        for source in sources:
            if self._sources.get(source) is False:
                return f"judged nothing: what line {source[1]} looks at is empty or missing; {_MAY_BE_EMPTY}"
        if mark is not None and self._empty > mark[0] and self._found == mark[1]:
            return "judged nothing: the function that it calls looked at nothing"
        return ""

    def looped(self, source: Source, where: str) -> None:
        """A loop that judges has ended; where there was nothing in it, it judged nothing."""
        if self._sources.get(source) is False:
            self.set_hollow(where, f"judged nothing: what it goes through is empty; {_MAY_BE_EMPTY}")
        elif self.active:
            self._held.add(where)

    def start(self) -> None:
        """A measurement begins."""
        self._before = self.judgements

    def stop(self, where: str, sources: Iterable[Source], mark: Mark | None) -> None:
        """It held: it is taken back where it was of nothing."""
        empty = self.rests_on_nothing(sources, mark)
        if empty:
            self.judgements = self._before
            self.set_hollow(where, empty)
        else:
            self._held.add(where)
