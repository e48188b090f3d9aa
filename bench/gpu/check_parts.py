# SPDX-License-Identifier: Apache-2.0
"""The parts of tools/gpu_check: a command each, run within its budget, with all it prints kept, and
what nvidia-smi says meanwhile. Needs only Python's standard library."""

import os
import signal
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field

SECONDS = '{seconds}'  # in a command: the part's budget less its `reserve_s`


@dataclass
class Part:
    """One step of the check: a command, how long it may take, and whether its failure is ours."""
    name: str
    budget_s: int
    command: list
    needed: bool = True  # a failure fails the check
    may_skip: bool = False  # needed, but not every device has what it runs
    environment: dict = field(default_factory=dict)
    share: float = 0  # of the time that parts with a budget alone leave: its budget is made of it
    reserve_s: int = 0  # what a program takes beside the seconds that it is told

    def told(self, budget_s):
        """The command with the seconds of this budget."""
        return [word.replace(SECONDS, str(max(1, int(budget_s) - self.reserve_s)))
                for word in self.command]


@dataclass
class Outcome:
    part: Part
    status: str
    seconds: float
    output: str

    def fails(self):
        skips = self.part.may_skip and self.status == 'skipped'
        return self.part.needed and self.status != 'passed' and not skips

    def as_json(self):
        tail = self.output.strip().splitlines()[-3:] if self.status != 'passed' else []
        return {'name': self.part.name, 'status': self.status, 'seconds': round(self.seconds, 1),
                'budget_s': self.part.budget_s, 'detail': ' | '.join(tail)[:500]}


def with_budgets(parts, left_s):
    """Parts that have a share get it of what the others leave of `left_s`."""
    shares = sum(part.share for part in parts)
    shared_s = left_s - sum(part.budget_s for part in parts if not part.share)
    for part in parts:
        if part.share:
            part.budget_s = max(1, int(shared_s * part.share / shares))
    return parts


def kill_all_of(process):
    """The process and what it started; one that waits for a device that hangs cannot be killed, and
    is not waited for."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=5)
    except (ProcessLookupError, subprocess.TimeoutExpired):
        pass


def status_of(process, budget_s, stop):
    """Waits until it ends, its time is up or the event `stop` is set, and ends it."""
    end = time.monotonic() + budget_s
    while time.monotonic() < end and not stop.is_set():
        try:
            code = process.wait(timeout=0.1)
            return {0: 'passed', 77: 'skipped'}.get(code, 'failed')
        except subprocess.TimeoutExpired:
            continue
    kill_all_of(process)
    return 'cut'


def run_part(part, end, root, stop):
    """Runs a part within its budget and before `end` (monotonic), with all that it starts; until
    the event `stop` is set."""
    budget_s = max(1.0, min(part.budget_s, end - time.monotonic()))
    environment = {**os.environ, 'MOESIM_DATA_DIR': str(root), **part.environment}
    start = time.monotonic()
    with tempfile.TemporaryFile('w+', encoding='utf-8', errors='replace') as text:
        try:
            process = subprocess.Popen(part.told(budget_s), stdout=text, stderr=subprocess.STDOUT,
                                       stdin=subprocess.DEVNULL, env=environment,
                                       start_new_session=True)
            status = status_of(process, budget_s, stop)
        except OSError as error:  # not there, or no program of this machine
            text.write(str(error))
            status = 'failed' if part.needed else 'skipped'
        text.seek(0)
        output = text.read()
    return Outcome(part, status, time.monotonic() - start, output)


def write_log(outcome, path, mode):
    """All that a part printed, under a line that names it."""
    head = f'== {outcome.part.name}: {outcome.status}, {outcome.seconds:.1f} s\n'
    with open(path, mode, encoding='utf-8', errors='replace') as log:
        log.write(f'{head}{" ".join(outcome.part.told(outcome.part.budget_s))}\n'
                  f'{outcome.output}\n')


def ask_smi(*fields):
    """What nvidia-smi says of the first GPU; None where it does not."""
    try:
        done = subprocess.run(['nvidia-smi', f'--query-gpu={",".join(fields)}', '--id=0',
                               '--format=csv,noheader,nounits'], capture_output=True, text=True,
                              timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    values = [value.strip() for value in done.stdout.strip().split(',')]
    return values if len(values) == len(fields) else None


class ClockWatch(threading.Thread):
    """The clock, power and temperature of the GPU, about once a second, by the part that runs."""

    def __init__(self):
        super().__init__(daemon=True)
        self.samples = {}
        self.part = None  # the name of the part that runs; None: nothing is watched

    def run(self):
        while True:
            time.sleep(1.0)
            part = self.part
            values = ask_smi('clocks.sm', 'power.draw', 'temperature.gpu') if part else None
            try:
                sample = [float(value) for value in values or []]
            except ValueError:
                continue
            if sample and part == self.part:
                self.samples.setdefault(part, []).append(sample)

    def summary(self):
        """{part: {figure: {min, median, max}}}"""
        result = {}
        for part, samples in list(self.samples.items()):
            result[part] = {}
            for i, name in enumerate(('sm_mhz', 'power_w', 'temperature_c')):
                values = sorted(sample[i] for sample in list(samples))
                result[part][name] = {'min': values[0], 'median': values[len(values) // 2],
                                      'max': values[-1]}
        return result
