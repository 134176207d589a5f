"""The dashboard: Textual and plotext live here and nowhere else."""
