"""Both errors, the draw of audits and the recall of the definition: pure, seeded, each with its formula and source."""

from leadpact.lake.sampled.bounds import exact_lower, exact_upper, jeffreys, wilson
from leadpact.lake.sampled.cells import Audited, Cell, StratumWeek, answer_of, join, matured
from leadpact.tuning.rules.asking import ASKED_FOR, Guessed, guessed, is_asked
from leadpact.tuning.rules.disputed import Disputed, draw_disputed
from leadpact.tuning.rules.draw import Draw, Drawn, Frame, PoolLead, draw, freeze, left_out_because, sizes
from leadpact.tuning.rules.drift import Drift, Week, drift
from leadpact.tuning.rules.estimates import Estimate, share
from leadpact.tuning.rules.evidence import HandOver, LineEvidence, evidence
from leadpact.tuning.rules.first_error import Answers, first_error
from leadpact.tuning.rules.recall import recall
from leadpact.tuning.rules.release import release_times, week_start
from leadpact.tuning.rules.second_error import second_error

__all__ = [
    "ASKED_FOR",
    "Answers",
    "Audited",
    "Cell",
    "Disputed",
    "Draw",
    "Drawn",
    "Drift",
    "Estimate",
    "Frame",
    "Guessed",
    "HandOver",
    "LineEvidence",
    "PoolLead",
    "StratumWeek",
    "Week",
    "answer_of",
    "draw",
    "draw_disputed",
    "drift",
    "evidence",
    "exact_lower",
    "exact_upper",
    "first_error",
    "freeze",
    "guessed",
    "is_asked",
    "jeffreys",
    "join",
    "left_out_because",
    "matured",
    "recall",
    "release_times",
    "second_error",
    "share",
    "sizes",
    "week_start",
    "wilson",
]
