"""Who may use what: declarations, the matrix, what strangers cannot tell apart."""
