"""The history: rows with the evidence behind them, corrections, and what is shown as a file."""
