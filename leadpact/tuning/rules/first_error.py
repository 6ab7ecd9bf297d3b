"""The first error: how many of the hand-offs that got a final answer were false ones."""

from __future__ import annotations

from dataclasses import dataclass

from leadpact.lake.sampled.bounds import wilson
from leadpact.tuning.rules.estimates import Estimate, caution, percent


@dataclass(frozen=True, slots=True)
class Answers:
    """Final answers of a cohort of hand-offs (by the week of the hand-over), as counts.

    definition: rejected or recycled with a reason that blames the definition. timing, data, nobody: with a reason that
    blames these. pending: no final answer yet; accepting is not one.
    """

    definition: int
    qualified: int
    timing: int = 0
    data: int = 0
    nobody: int = 0
    pending: int = 0

    def __post_init__(self) -> None:
        if min(self.definition, self.qualified, self.timing, self.data, self.nobody, self.pending) < 0:
            raise ValueError("a count is never negative")

    @property
    def beside(self) -> int:
        """Hand-offs that say nothing about the definition, or nothing yet."""
        return self.timing + self.data + self.nobody + self.pending

    @property
    def handed_over(self) -> int:
        return self.definition + self.qualified + self.beside


def first_error(answers: Answers) -> Estimate:
    """definition ÷ (definition + qualified), Wilson 95%.

    `detail.bounds`: what the share could be if everything beside it were good, and if it were all false:
    definition ÷ all and (definition + beside) ÷ all. They are bounds on what is not known, not an interval of chance.
    """
    n = answers.definition + answers.qualified
    low, high = wilson(answers.definition, n)
    value = answers.definition / n if n else None
    total = answers.handed_over
    bounds = (answers.definition / total, (answers.definition + answers.beside) / total) if total else (0.0, 1.0)
    return Estimate(
        value=value,
        low=low if n else None,
        high=high if n else None,
        method="definition-blamed ÷ (definition-blamed + qualified), Wilson 95%",
        n=n,
        says=_words(answers, n, low, high, bounds),
        detail={
            "definition": answers.definition,
            "qualified": answers.qualified,
            "beside": {
                "timing": answers.timing,
                "data": answers.data,
                "nobody": answers.nobody,
                "pending": answers.pending,
            },
            "bounds": {"if_all_good": bounds[0], "if_all_false": bounds[1]},
        },
    )


def _words(answers: Answers, n: int, low: float, high: float, bounds: tuple[float, float]) -> str:
    warning = caution(n, low, high)
    if n == 0:
        parts = [warning]
    else:
        parts = [
            f"{answers.definition:,} of {n:,} hand-offs that Sales judged were false: {percent(answers.definition / n)},",
            f"95% interval {percent(low)} to {percent(high)}.",
            warning,
        ]
    if answers.beside:
        parts.append(
            f"{answers.beside:,} more blame something else or are pending; "
            f"whatever they hide, the share lies between {percent(bounds[0])} and {percent(bounds[1])}."
        )
    return " ".join(part for part in parts if part)
