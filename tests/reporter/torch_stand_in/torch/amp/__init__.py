"""Stand-in for torch.amp."""
