"""Which flags a framework has, and what they trade."""
