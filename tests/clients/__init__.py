"""Programs of others that speak to our API: an audit, clients, fuzzers."""
