"""What turns a prompt into tokens, behind one contract."""
