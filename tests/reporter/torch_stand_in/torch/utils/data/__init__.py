"""Stand-in for torch.utils.data."""
