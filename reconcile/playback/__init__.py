"""The pure core: from sets of evidence to playbacks, verdicts and watches. No I/O, no clock, no framework."""
