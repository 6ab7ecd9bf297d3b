"""Pure parts of judging: what a verdict is, and how an agreement's query is bound to our tables."""
