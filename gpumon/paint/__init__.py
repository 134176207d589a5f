"""Pure drawing: numbers to rows of (glyphs, role)."""
