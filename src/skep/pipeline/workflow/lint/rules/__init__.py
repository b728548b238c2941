"""One mistake in each file: its id, why it matters, what to do, and the check that finds it."""
