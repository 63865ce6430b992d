"""Delimited text. `dialect` says how rows and fields are told apart; `parsing` reads, by `bulk` where that is exact and
by `grammar` elsewhere; `borders` and `cutting` find where a piece may begin; `rendering` writes."""
