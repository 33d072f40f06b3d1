"""Measures the fleet: workloads, an open-loop generator, statistics and the report."""
