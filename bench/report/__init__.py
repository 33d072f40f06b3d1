"""What a run leaves behind: figures as JSON and a table, plots, one page."""
