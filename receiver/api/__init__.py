"""JSON over HTTP: one small file per resource (DESIGN §13)."""
