"""One's own pages: recording, rules, activity, series, badges and privacy."""
