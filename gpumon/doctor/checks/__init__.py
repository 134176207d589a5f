"""Pure judgement: facts in, checks out, each with its remedies."""
