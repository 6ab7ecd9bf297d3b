"""What random draws of known probability say of everybody: answers sorted into cells, a rate, its interval. Pure.

    chance      a generator for each seed, week and purpose
    bounds      intervals and bounds of one share
    cells       audited weeks, what an answer counts as, which weeks have matured, which are joined
    stratified  the rate over cells, its interval, its exact bound

They stand here, below both, because the second error (tuning) and replays and previews of other agreements (lake) are
estimated from the same audits by the same method.
"""
