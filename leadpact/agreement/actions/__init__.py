"""Verbs of the agreement room. Each is one transaction and says who and when."""

from leadpact.agreement.actions.bench import ask_bench, bench_failed, bench_goes_on, bench_ready
from leadpact.agreement.actions.drafting import Saved, draft, edit, settle
from leadpact.agreement.actions.proof import Proof, verify
from leadpact.agreement.actions.rejudging import advance_rejudging, begin_rejudging, end_rejudging
from leadpact.agreement.actions.signing import propose, propose_again, sign, withdraw
from leadpact.agreement.actions.talking import answer, comment, forget_in_comments, resolve

__all__ = [
    "Proof",
    "Saved",
    "advance_rejudging",
    "answer",
    "ask_bench",
    "begin_rejudging",
    "bench_failed",
    "bench_goes_on",
    "bench_ready",
    "comment",
    "draft",
    "edit",
    "end_rejudging",
    "forget_in_comments",
    "propose",
    "propose_again",
    "resolve",
    "settle",
    "sign",
    "verify",
    "withdraw",
]
