"""`hooktail demo`: the real daemon between a make-believe shop and a stand-in endpoint.

shop       who visits, with what, and what there is to see     pure
traffic    access log lines, each with what must become of it  pure, seeded
balance    three independent counts, and what does not agree   pure
setup      the configuration
access_log the growing log and its rotation
child      the daemon as a process that cannot outlive us
play       the plot: who does what, when
view       events and happenings as lines of text
"""
