"""Pure nouns: what gpumon knows, as frozen dataclasses without IO and without a clock."""
