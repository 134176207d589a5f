"""Pure drawing: numbers in, rows of (text, role) out; no terminal, no colour, no clock."""
