"""What DataX overlooks in the parameters of a plugin: keys it does not know, null, the case of a choice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from starhaul.job.document import At, Document
from starhaul.job.faults import Fault
from starhaul.job.uses import Draft


def overlook(draft: Draft, parameters: Any, where: Callable[[At], tuple[Document, At]], found: Sequence[Fault]) -> bool:
    """Mend in `parameters`, in place, what DataX would not mind; each time that is remembered in the draft. Returns
    whether anything was mended, so that the rest can be looked at anew."""
    before = len(draft.overlooked)
    for fault in found:
        owner = _inside(parameters, fault.at[:-1])
        step = fault.at[-1] if fault.at else None
        if not isinstance(owner, dict) or step not in owner:
            continue
        document, written = where(fault.at)
        if fault.unknown:
            # All that is known would be too much for a key that is harmless.
            hint = fault.hint if fault.hint.startswith("did you mean") else ""
            draft.overlooked.append(document.problem(written, f"unknown key '{step}' has no effect", hint))
            del owner[step]
        elif owner[step] is None:
            draft.overlooked.append(document.problem(written, "null is taken for nothing, as in DataX"))
            del owner[step]
        elif fault.meant is not None and fault.meant != owner[step]:
            draft.overlooked.append(document.problem(written, f"taken for '{fault.meant}'"))
            owner[step] = fault.meant
    return len(draft.overlooked) > before


def _inside(value: Any, at: At) -> Any:
    for step in at:
        known = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
        if step not in known:
            return None
        value = value[step]
    return value
