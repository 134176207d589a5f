"""Stand-in for torch.optim."""
