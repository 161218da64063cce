"""What happens to a product over time: what a new generation changes in what already runs."""
