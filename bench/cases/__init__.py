"""One module per case, each with a function `comparisons(setup)`."""
