"""Foundation of every write: the action helper, the audit trail, and events told after commit.

Words: action, actor, audit row, event, listener.
Doors: `action.action`, `actors`, `listening.listens_to`, `queries`.
"""
