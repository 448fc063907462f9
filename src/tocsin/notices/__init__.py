"""RESPOND: what a constituent is told, by which policy, when, in which words, and what became of it.

Words: policy, suppression, notice, step (who is told next), ledger, remedy, plan.
Only changes are told: what is new to a constituent, came back, or is still open
after a step. The plan is pure; sending is the courier's.
Doors: `models`, `actions`, `queries`, `events`, `choices`, `addresses`.
"""
