"""Finding, following and sampling a training."""
