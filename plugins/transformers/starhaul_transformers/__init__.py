"""The transformers that come with Starhaul. Their names; the modules are imported when a job uses them."""

from __future__ import annotations

from collections.abc import Mapping

from starhaul import hookimpl


@hookimpl
def starhaul_transformers() -> Mapping[str, str]:
    """DataX's names for DataX's transformers, plain verbs for our own."""
    return {
        "dx_substr": "starhaul_transformers.substr:Substr",
        "dx_pad": "starhaul_transformers.pad:Pad",
        "dx_replace": "starhaul_transformers.replace:Replace",
        "dx_filter": "starhaul_transformers.filter:Filter",
        "dx_digest": "starhaul_transformers.digest:Digest",
        "select": "starhaul_transformers.columns:Select",
        "rename": "starhaul_transformers.columns:Rename",
        "cast": "starhaul_transformers.columns:CastColumns",
    }
