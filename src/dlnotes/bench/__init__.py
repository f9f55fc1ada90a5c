"""The engine against its peers: what is compared, how it is timed, and how it is told.

`grids` says what is trained, `pytorch`, `xla` and `rivals` who trains it, `limits` how fast the
machine multiplies, `rounds` how time is taken; `memory` and `scaling` measure the engine alone;
`report`, `pictures` and `pages` tell it. ``dlnotes bench`` starts ``python -m dlnotes.bench``.
"""
