"""Pure advice: from findings to settings, with what they bring."""
