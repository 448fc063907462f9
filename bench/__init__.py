"""Repeatable benchmarks and the files they run on. Nothing here imports the engine: the right answers stand apart."""
