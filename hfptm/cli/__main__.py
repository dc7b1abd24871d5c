"""`python -m hfptm.cli`, where no `hfptm` is installed."""

from hfptm.cli.app import main

main()
