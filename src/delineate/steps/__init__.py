"""The verbs: settings in, files out; one file a step, and a line in the table of `cli.py`."""
