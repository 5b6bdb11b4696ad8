"""`python -m countersign`, where the bootstrap hands over to."""

from countersign.cli.main import main

main()
