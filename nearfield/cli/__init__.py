"""The `nearfield` command: one file a verb."""
