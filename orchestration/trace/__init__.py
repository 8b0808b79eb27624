"""Following money: from a subject, a transfer or an address, forward and backward, through chain, exchange and fiat."""
