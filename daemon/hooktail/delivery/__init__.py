"""From a queue of events to their outcomes: one POST each, told apart, retried, never lost.

    submit ─► ready ─► worker ─► Sender ─► Outcome ─┬─ delivered, dead-lettered: settled
                ▲        ▲                          │
                │      Gate (may anything be sent)◄─┤
                └────── heap by due time ◄── retry ─┘

`outcome`, `backoff` and `gate` decide and are pure; `sender` is the only module that knows aiohttp.
"""
