"""Programs that measure, run by hand (``python -m tests.benchmarks.ingest``); their figures are ratios of one run."""
