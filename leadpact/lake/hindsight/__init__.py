"""The fast replay: history becomes a row for each instant at which what a lead's lines read may have changed.

    measured    which numbers and facts an agreement reads, as columns
    gathered    leads and touches numbered, and what each touch counts for (DuckDB)
    streams     when each column changes, and by how much (DuckDB)
    segments    the changes seen at the instants of judgement, running sums, equal rows told once (numpy)
    verdicts    what an agreement says of each row, and of each hour between two rows while touches fade (numpy)
    evidence    what each line says of leads, and how Sales' answers differ with and without it
    past        for the warnings that need history: which lines were met at which rows, which attributes are unknown
    reach       and how far scores reach, and which verdicts are given, for any points and thresholds

Only what a line, an attribute or a window can change makes a row; fading is worked out between rows, and only where a
verdict could turn in between. `leadpact.lake.one_lead` says the same slowly; a test holds the two equal.
"""
