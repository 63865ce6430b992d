"""Carries out jobs. `Engine.run` reads as the promise: plan and check, prepare, deliver and commit or abort, report."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from starhaul.api.errors import Cancelled, ConfigError
from starhaul.api.events import Event, RunFinished, RunStarted
from starhaul.api.task import Split
from starhaul.engine.progress import Progress
from starhaul.engine.retry import REPEATABLE, patiently
from starhaul.engine.sitting import Sitting
from starhaul.engine.stop import Stop
from starhaul.job.job import Job
from starhaul.plan.build import make_plan
from starhaul.plan.plan import Plan
from starhaul.registry import Registry
from starhaul.report.build import make_check_report
from starhaul.report.report import Report
from starhaul.runs.records import RunRecord
from starhaul.runs.rejects import files_of
from starhaul.runs.store import RunStore, new_run_id


class Engine:
    """Carries out one run. Several engines may work at once in one process, each in a thread of its own.

    `store` belongs to that thread. `stop` asks the run to stop, from any thread; `progress` shows how far it is;
    `observers` are told its events, beside the plugins that implement `starhaul_event`.
    """

    def __init__(
        self,
        registry: Registry,
        store: RunStore,
        *,
        stop: Stop | None = None,
        progress: Progress | None = None,
        observers: Sequence[Callable[[Event], None]] = (),
    ) -> None:
        self._registry = registry
        self._store = store
        self._stop = stop or Stop()
        self._progress = progress or Progress()
        self._observers = observers

    def run(self, job: Job) -> Report:
        """Run a job from its start. If it says to check only, plan it and change nothing; the report then has no run.

        Raises `ConfigError`, `PluginError` or a store's error if the job cannot begin: then nothing was changed
        and no run exists. Whatever happens later is in the report.
        """
        if job.dry_run:
            started = time.time()
            with self._planned(job) as plan:
                return make_check_report(plan, started, time.time())
        with self._store.claim_job(job, self._stop.pause), self._planned(job) as plan:
            run = new_run_id()
            with self._store.claim(run):
                self._store.begin(run, plan)
                return self._carry_out(run, plan)

    def resume(self, run: str, job: Job) -> Report:
        """Take up a run that was stopped, failed or was killed, from its last receipts.

        Raises `ConfigError` if there is nothing to resume, or if the job or its source are not what they were.
        """
        with self._store.claim(run), self._store.claim_job(job, self._stop.pause):
            replays = self._judge_job(run, job).replays
            if replays is not None:
                return self._carry_out_replay(run, replays, self._replay_plan(replays, job))
            splits: dict[int, list[Split]] = {stream.index: [] for stream in self._store.streams(run)}
            for task in self._store.tasks(run):
                splits[task.stream].append(task.split)
            with self._planned(job, splits) as plan:
                self._judge_plan(run, plan)
                self._store.reopen(run)
                return self._carry_out(run, plan)

    def replay(self, run: str, job: Job) -> Report:
        """Send the rejected rows of a run that is done through again, as a run of its own; its rejects are those that
        failed once more. `job` may have been mended since.

        Raises `ConfigError` if the run is not done, has no rejected rows, or none that can be sent.
        """
        with self._store.claim(run), self._store.claim_job(job, self._stop.pause):
            if self._store.run(run).state != "done":
                raise ConfigError(run, "is not done", "resume it first; then its rejected rows can be replayed")
            plan = self._replay_plan(run, job)
            new = new_run_id()
            with self._store.claim(new):
                self._store.begin(new, plan, replays=run)
                return self._carry_out_replay(new, run, plan)

    def _planned(self, job: Job, splits: Mapping[int, Sequence[Split]] | None = None) -> Plan:
        make = partial(make_plan, job, self._registry, splits=splits, proceed=partial(self._stop.pause, 0))
        return patiently(make, job.settings.retry, self._stop)

    def _replay_plan(self, replayed: str, job: Job) -> Plan:
        from starhaul.plan.replay import make_replay_plan  # not on the way of every small job

        rejects = self._store.reject_file(replayed)
        if not rejects.exists():
            raise ConfigError(replayed, f"has no rejected rows (left) in {rejects}")
        return patiently(lambda: make_replay_plan(job, self._registry, rejects), job.settings.retry, self._stop)

    def _carry_out_replay(self, run: str, replayed: str, plan: Plan) -> Report:
        report = self._carry_out(run, plan)
        if report.state == "done":
            # Kept under another name for the record, so that the same rows are not sent twice.
            for rejects in files_of(self._store.reject_file(replayed)):
                rejects.replace(rejects.with_suffix(".replayed.jsonl"))
        return report

    def _carry_out(self, run: str, plan: Plan) -> Report:
        """Take a run from wherever it stands to its end."""
        sitting = Sitting(run, plan, self._store, self._stop, self._progress, self._tell)
        self._tell(RunStarted(run=run, streams=len(sitting.streams), tasks=sitting.tasks))
        try:
            sitting.prepare()
            sitting.deliver()  # commits each stream as soon as its last row is there
            sitting.state = "done"
        except Cancelled:
            sitting.state = "stopped"
        except Exception as error:  # the contract: what is none of our own errors counts as permanent
            sitting.failed(error)
            sitting.abort()
        finally:
            report = sitting.report()
            self._store.end(run, sitting.state, report.as_dict())
        self._tell(RunFinished(run=run, state=sitting.state))
        return report

    def _judge_job(self, run: str, job: Job) -> RunRecord:
        record = self._store.run(run)
        if record.state == "done":
            raise ConfigError(run, "is done; there is nothing to resume", "`starhaul run` runs the job anew")
        if record.fingerprint != job.fingerprint:
            raise ConfigError(
                job.source,
                f"is not the job that run {run} began with",
                "restore the job file and its variables, or run it anew",
            )
        return record

    def _judge_plan(self, run: str, plan: Plan) -> None:
        begun = {task.stream for task in self._store.tasks(run) if task.attempt and task.receipt is None}
        for record, stream in zip(self._store.streams(run), plan.streams, strict=True):
            if record.source != stream.fingerprint:
                raise ConfigError(
                    stream.name,
                    f"the source's columns changed since the run began: {record.source} became {stream.fingerprint}",
                    "run the job anew",
                )
            if stream.index in begun and not stream.promises & REPEATABLE:
                raise ConfigError(
                    stream.name,
                    f"{stream.writer.name} cannot tell which rows of the run arrived",
                    "clear the target, then run the job anew",
                )

    def _tell(self, event: Event) -> None:
        for observer in self._observers:
            observer(event)
        self._registry.tell(event)
