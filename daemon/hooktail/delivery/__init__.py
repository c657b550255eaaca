"""From a queue of events to their outcomes: one POST each, told apart, retried, never lost.

    submit ─► ready ─► Lane ─► Outcome ─┬─ delivered, dead-lettered: settled
                ▲       ▲               │
                │     Gate (may anything be sent)
                └───── heap by due time ◄── retry

`outcome`, `backoff`, `echo` and `gate` decide and are pure. `sender` gives a lane: `fast_lane`
with its `connection` and `answers`, or `plain_lane` as a `task_lane`; only these and `trouble` know
aiohttp.

Where more than one process sends, it gives a `worker_lane`, whose workers (`worker_pool`,
`worker_process`) run those lanes (`worker`); `worker_frames` and `frame_stream` are between them.
"""
