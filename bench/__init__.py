"""Measures. Each module has `main()`, which prints one line per figure: name, value, unit."""
