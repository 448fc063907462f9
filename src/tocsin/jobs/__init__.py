"""Background work and schedules: kept in the database, done at least once, by whichever worker is free.

Words: job, kind, lease, worker, helper, bell, schedule, idempotency key.
Doors: `registry.job`, `registry.every`, `queue.enqueue`, `queries`, `worker.work`, `helping`.

A claim, a lease and a finished job are how the machinery works, not what
people did: they are no actions and leave no audit rows. What a job does to the
world, it does through actions of its room.
"""
