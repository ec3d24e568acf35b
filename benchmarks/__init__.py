"""The measured bars of each area: `make bench AREA=fit`, one row of it with `ROW=3`."""
