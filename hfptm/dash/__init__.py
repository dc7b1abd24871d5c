"""The dashboard: a process of its own that reads what a data folder's program says of itself."""
