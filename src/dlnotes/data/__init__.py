"""Data sets: what is known of them, how they get here, what is done to them."""
