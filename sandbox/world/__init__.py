"""The sandbox world: a seeded exchange with its customers, its counterparties, and planted typologies with labels.

`generate` writes the landing folders of all feeds, the truth about them, and what the vendor's sandbox server
answers from.
Nothing here knows the loaders, and no loader knows this package.
"""

from sandbox.world.generate import WorldSummary, generate

__all__ = ["WorldSummary", "generate"]
