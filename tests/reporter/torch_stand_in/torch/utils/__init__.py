"""Stand-in for torch.utils."""
