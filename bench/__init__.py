"""Repeatable benchmarks and the files they run on.

What writes files and right answers (feeds, plan, cells, claims) imports nothing of the product: the answers stand
apart. What measures starts the product as a user would, in processes of its own.
"""
