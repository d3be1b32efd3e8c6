"""`make bench N=100000`: a large database of its own, the production web server, every page timed (docs/benchmark.md)."""
