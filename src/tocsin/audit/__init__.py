"""Foundation of every write: the action helper, the audit trail, and events told after commit.

Words: action, actor, audit row, event, listener, chain, signed head.
Doors: `action.action`, `actors`, `changes.change`, `listening.listens_to`, `queries`, `events`, `wording`, `keeping`.
"""
