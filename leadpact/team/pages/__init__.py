"""Pages of the team: people, coming in, keys."""
