"""The closing block of DataX's report, and the figures in it as DataX writes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from starhaul.report.report import Report


@dataclass(frozen=True)
class Transformed:
    """Rows that transformers took (DataX counts those that were left out among them), could not take, and left out;
    and how many seconds they worked."""

    taken: int = 0
    failed: int = 0
    filtered: int = 0
    seconds: float = 0.0

    @property
    def any(self) -> bool:
        """Whether DataX would tell these figures."""
        return bool(self.taken or self.failed or self.filtered)

    def told(self) -> str:
        """The part of a progress line; empty if there is nothing to tell. `Transfermor` is DataX's."""
        if not self.any:
            return ""
        return (
            f"Transfermor Success {self.taken} records | Transformer Error {self.failed} records | "
            f"Transformer Filter {self.filtered} records | Transformer usedTime {self.seconds:,.3f}s | "
        )


def transformed(report: Report) -> Transformed:
    """What transformers did in a run."""
    return Transformed(
        taken=sum(stream.transformed for stream in report.streams),
        failed=sum(stream.untransformed for stream in report.streams),
        filtered=report.filtered,
        seconds=sum(stream.seconds_transforming for stream in report.streams),
    )


def stringify(size: int) -> str:
    """Bytes as DataX writes them: `59B`, `1.50KB`, steps of 1024."""
    for unit, factor in (("TB", 2**40), ("GB", 2**30), ("MB", 2**20), ("KB", 2**10)):
        if size // factor:
            return f"{size / factor:.2f}{unit}"
    return f"{size}B"


def closing_blocks(report: Report) -> Iterator[str]:
    """The messages of DataX's closing report: a line break, then a line for each figure. The second one is only for
    jobs with transformers."""
    started, ended = (datetime.fromisoformat(each) for each in (report.started, report.ended))
    seconds = max(1, int(report.seconds))
    arrived = report.read - report.rejected
    size = sum(stream.bytes for stream in report.streams)
    yield "\n" + "".join(
        [
            f"{'任务启动时刻':<26}: {started:%Y-%m-%d %H:%M:%S}\n",
            f"{'任务结束时刻':<26}: {ended:%Y-%m-%d %H:%M:%S}\n",
            _figure("任务总计耗时", f"{int(report.seconds)}s"),
            _figure("任务平均流量", f"{stringify(size // seconds)}/s"),
            _figure("记录写入速度", f"{arrived // seconds}rec/s"),
            _figure("读出记录总数", report.read),
            _figure("读写失败总数", report.rejected),
        ]
    )
    figures = transformed(report)
    if figures.any:
        labels = ("Transformer成功记录总数", "Transformer失败记录总数", "Transformer过滤记录总数")
        yield "\n" + "".join(map(_figure, labels, (figures.taken, figures.failed, figures.filtered)))


def _figure(label: str, value: object) -> str:
    return f"{label:<26}: {value!s:>19}\n"
