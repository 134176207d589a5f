"""Stand-in for torch.cuda.amp."""
