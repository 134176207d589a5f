"""What `gpumon doctor` says: every check and every remedy, by facts written down."""
