# SPDX-License-Identifier: Apache-2.0
"""Times what else computes a layer's experts on a GPU, on the choices that product_bench wrote: a
line of JSON for each figure, in its form.

    torch_baselines.py FOLDER SECONDS

Scope experts, from tokens' rows to rows in the experts' order:
- torch_grouped_mm: rows gathered, torch's grouped product, SiLU and product, grouped product
- triton: triton_moe.py, the fastest of its configurations on each point
Scope layer, from the gate's logits to the weighted sum of rows:
- torch_grouped_mm: softmax, top-k, argsort, the same products; the faster of two combinations
- triton: the same routing, blocks found on the device, the kernels, a sum; as a CUDA graph
- hf_eager, hf_eager_compiled, hf_grouped_mm_compiled: Hugging Face's Qwen3-MoE block with its gate
  given, experts one after another or by grouped products, as it is or under torch.compile; the last
  tuned too where time is left
What can be captured is timed as a CUDA graph, as our own kernels are; `graph` says of each row which.
"""

import json
import signal
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import torch
import torch_layers

BURST_S = 0.03
TOLERANCE = 1e-2  # of two ways that round alike but sum in different orders
# Where the blocks are measured: they compile anew for every number of rows.
BLOCKS = {('qwen3_30b', 64), ('qwen3_30b', 256), ('qwen3_30b', 1024), ('mixtral', 256)}
# How they are measured, and in which mode of torch.compile; tuning takes long, so that it waits until
# all else is measured.
BLOCK_WAYS = (('eager', None), ('grouped_mm', 'default'), ('eager', 'default'))
TUNED_WAYS = (('grouped_mm', 'max-autotune-no-cudagraphs'),)
ATTEMPT_S = 20  # of one way on one point, when it is compiled
COMPILING_S = {'triton': 45, 'blocks': 40, 'tuned': 60}  # of all that is compiled of a kind, together
LEAST_S = 5  # for what has to be prepared when that is used up: compiled kernels are kept
AFTER_END_S = 20  # what begins before the time is up may take so much longer


@contextmanager
def at_most(seconds, what):
    """Raises TimeoutError in the work inside when it takes longer."""
    def give_up(_signal, _frame):
        raise TimeoutError(f'{what} took more than {seconds:.0f} s')
    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, max(0.001, seconds))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def time_of(work, seconds):
    """Median seconds of single runs, queued without waiting for the host in between."""
    work()
    torch.cuda.synchronize()
    start = time.perf_counter()
    work()
    torch.cuda.synchronize()
    runs = max(5, min(200, int(seconds / max(1e-6, time.perf_counter() - start))))
    events = [torch.cuda.Event(enable_timing=True) for _ in range(runs + 1)]
    events[0].record()
    for event in events[1:]:
        work()
        event.record()
    torch.cuda.synchronize()
    times = sorted(a.elapsed_time(b) * 1e-3 for a, b in zip(events, events[1:]))
    return times[len(times) // 2], runs


def captured(work):
    """A function that replays the work from a CUDA graph, with nothing of the host in it."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        work()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    return graph.replay


def replayed(work, seconds, **values):
    """The figures of work from a CUDA graph, as ours is timed; where it cannot be captured, as
    PyTorch launches it, and `graph` says so."""
    work()  # what is made at the first call is no part of a graph
    torch.cuda.synchronize()
    try:
        replay = captured(work)
    except TimeoutError:
        raise
    except Exception:  # whatever the library raises: some of it waits for the device
        torch.cuda.synchronize()
        return figures(time_of(work, seconds), graph=False, **values)
    return figures(time_of(replay, seconds), graph=True, **values)


def difference(a, b):
    a, b = a[:256].double(), b[:256].double()
    return ((a - b).norm() / b.norm()).item()


def checked(result, reference):
    """The difference, which has to be small."""
    error = difference(result, reference)
    if not error <= TOLERANCE:
        raise ValueError(f'off by {error}')
    return error


def row_of(point, implementation, scope, **values):
    row = {'kind': 'experts', 'implementation': implementation, 'pass': 'forward', 'mode': 'burst',
           'scope': scope, 'time_s': None, 'error': None, 'graph': False, 'problem': ''}
    for key in ('shape', 'mean_rows', 'tokens', 'distribution'):
        row[key] = point[key]
    return {**row, **values}


def print_row(row):
    print(json.dumps(row), flush=True)


def problem_of(error):
    return f'{type(error).__name__}: {error}'.splitlines()[0][:200]


class Limits:
    """How long work may take: until `end` (monotonic) and a little, an attempt, all compiling."""

    def __init__(self, end):
        self.end = end
        self.compiling_s = dict(COMPILING_S)

    def until_end(self, seconds):
        return min(seconds, self.end + AFTER_END_S - time.monotonic())

    @contextmanager
    def compiling(self, kind, what):
        """What compiling takes is no part of the attempt that follows."""
        start = time.monotonic()
        try:
            seconds = max(LEAST_S, self.compiling_s[kind])
            with at_most(self.until_end(seconds), f'compiling {what}'):
                yield
        finally:
            self.compiling_s[kind] -= time.monotonic() - start

    def measuring(self, what):
        return at_most(self.until_end(ATTEMPT_S), what)


def last_of(steps, what, limits):
    """The last of the figures that the generator `steps` gives in time; what stops it is their
    `problem`, or is raised where there are none."""
    values = None
    try:
        with limits.measuring(what):
            for values in steps:
                continue
    except Exception as error:
        if values is None:
            raise
        return {**values, 'problem': f'not all was tried: {problem_of(error)}'}
    if values is None:
        raise ValueError('nothing of it could be tried')
    return values


def attempt(row, limits, measure, prepare=None, kind='triton'):
    """Prints the row with the last figures that the generator `measure(prepare())` gives; what
    `prepare` takes is compiling of its kind. A way that is not there, or fails, is a row that says
    why. Returns the row."""
    what = row['implementation']
    try:
        prepared = None
        if prepare is not None:
            with limits.compiling(kind, what):
                prepared = prepare()
        row = {**row, **last_of(measure(prepared), what, limits)}
    except Exception as error:  # whatever a library raises: the other ways are still measured
        row = {**row, 'problem': problem_of(error)}
    print_row(row)
    return row


def figures(timing, **values):
    seconds, runs = timing
    return {'time_s': seconds, 'runs': runs, **values}


def compiled_triton(layer):
    """The configurations that run, and what is to be said of those that compiling left no time for:
    empty where that is none."""
    import triton_moe
    few = layer.rows < 8 * len(layer.counts)
    wanted = [config for config in triton_moe.CONFIGS if config[0][0] <= 16 or not few]
    ready = []
    try:
        for config in wanted:
            triton_moe.TritonExperts(layer, config).forward()
            torch.cuda.synchronize()
            ready.append(config)
    except TimeoutError as error:
        if not ready:
            raise
        return ready, f'{len(ready)} of {len(wanted)} configurations: {problem_of(error)}'
    return ready, ''


def measure_triton(layer, reference, compiled):
    """A faster one of the configurations after the other; `compiled`: of compiled_triton."""
    import triton_moe
    configs, problem = compiled
    best = None
    for config in configs:
        experts = triton_moe.TritonExperts(layer, config)
        error = checked(experts.forward(), reference)
        found = replayed(experts.forward, BURST_S / 2, error=error, config=config, problem=problem)
        if best is None or found['time_s'] < best['time_s']:
            best = found
            yield best


def compiled_triton_layer(layer, config):
    import triton_moe
    whole = triton_moe.TritonLayer(layer, config)
    whole.forward()
    torch.cuda.synchronize()
    return whole


def measure_triton_layer(whole, reference):
    error = checked(whole.forward(), reference)
    yield replayed(whole.forward, BURST_S, error=error)


def measure_torch_experts(layer, both):
    yield replayed(lambda: torch_layers.torch_experts(layer, both), BURST_S)


def measure_torch_layer(layer, both):
    best = None
    for combine in torch_layers.COMBINATIONS:
        found = replayed(lambda: torch_layers.torch_layer(layer, both, combine), BURST_S / 2,
                         config=combine)
        if best is None or found['time_s'] < best['time_s']:
            best = found
            yield best


def compiled_block(layer, both, implementation, mode):
    """`mode`: of torch.compile; None: the block as it is."""
    block = torch_layers.hugging_face_block(layer, both, implementation)
    if mode is not None:
        torch.compiler.reset()  # of the block before
        block = torch.compile(block, mode=mode)
    torch_layers.run_block(block, layer.tokens)
    torch.cuda.synchronize()
    return block


def measure_block(block, tokens, reference):
    error = checked(torch_layers.run_block(block, tokens), reference)
    yield figures(time_of(lambda: torch_layers.run_block(block, tokens), BURST_S), error=error)


class Baselines:
    """What is measured on one point after another, until `end` (monotonic)."""

    def __init__(self, end):
        self.limits = Limits(end)

    def measure(self, point, choices, weights, both):
        try:
            layer = torch_layers.Layer(point, choices, weights)
            rows = torch_layers.torch_experts(layer, both)
            sums = torch_layers.torch_layer(layer, both, 'gathered') if point['layer'] else None
        except Exception as error:  # without what the others are compared with, none is measured
            for implementation in ('torch_grouped_mm', 'triton'):
                for scope in ('experts', 'layer') if point['layer'] else ('experts',):
                    print_row(row_of(point, implementation, scope, problem=problem_of(error)))
            return
        attempt(row_of(point, 'torch_grouped_mm', 'experts'), self.limits,
                lambda _: measure_torch_experts(layer, both))
        triton = attempt(row_of(point, 'triton', 'experts'), self.limits,
                         lambda compiled: measure_triton(layer, rows, compiled),
                         lambda: compiled_triton(layer))
        del rows
        if point['layer']:
            self.measure_layer(point, layer, both, (triton, sums))

    def measure_layer(self, point, layer, both, known):
        triton, reference = known
        attempt(row_of(point, 'torch_grouped_mm', 'layer'), self.limits,
                lambda _: measure_torch_layer(layer, both))
        row = row_of(point, 'triton', 'layer')
        if triton['time_s'] is None:
            print_row({**row, 'problem': 'its products failed'})
        else:
            attempt(row, self.limits, lambda whole: measure_triton_layer(whole, reference),
                    lambda: compiled_triton_layer(layer, triton['config']))
        if has_blocks(point):
            self.measure_blocks(layer, both, reference, (point, BLOCK_WAYS))

    def measure_tuned(self, point, choices, weights, both):
        """The block, tuned; nothing where it cannot be made, which is said before."""
        try:
            layer = torch_layers.Layer(point, choices, weights)
            reference = torch_layers.torch_layer(layer, both, 'gathered')
        except Exception:  # as above
            return
        self.measure_blocks(layer, both, reference, (point, TUNED_WAYS))

    def measure_blocks(self, layer, both, reference, what):
        point, ways = what
        for name, mode in ways:
            compiles = mode is not None
            row = row_of(point, f'hf_{name}_compiled' if compiles else f'hf_{name}', 'layer')
            kind = 'tuned' if ways is TUNED_WAYS else 'blocks'
            left_s = min(self.limits.compiling_s[kind], self.limits.end - time.monotonic())
            if compiles and left_s <= 0:
                print_row({**row, 'problem': f'no time was left to compile it ({mode})'})
                continue
            attempt({**row, 'config': mode}, self.limits,
                    lambda block: measure_block(block, layer.tokens, reference),
                    lambda: compiled_block(layer, both, name, mode), kind)


def has_blocks(point):
    return ((point['shape'], point['mean_rows']) in BLOCKS and
            point['distribution'] == 'multinomial')


def is_goal(point):
    """Whether a goal is set for the whole layer here: these are measured first."""
    return point['shape'] in ('qwen3_30b', 'mixtral') and point['mean_rows'] in (64, 256, 1024)


def main():
    folder, end = Path(sys.argv[1]), time.monotonic() + float(sys.argv[2])
    points = [json.loads(line) for line in (folder / 'points.ndjson').read_text().splitlines()]
    points.sort(key=lambda point: not is_goal(point))
    baselines = Baselines(end)
    shape, weights, both, left = None, None, None, 0
    work = [(point, baselines.measure) for point in points]
    work += [(point, baselines.measure_tuned) for point in points if has_blocks(point)]
    for point, measure in work:
        if time.monotonic() > end:
            left += measure == baselines.measure
            continue
        if point['shape'] != shape:
            shape, weights, both = point['shape'], None, None
            torch.cuda.empty_cache()
            weights = torch_layers.make_weights(point, 'cuda', torch.bfloat16)
            both = torch.cat(weights[:2], dim=1)
        data = (folder / point['file']).read_bytes()
        choices = torch.frombuffer(bytearray(data), dtype=torch.int32).view(point['tokens'], -1)
        with torch.no_grad():
            measure(point, choices, weights, both)
    print(json.dumps({'kind': 'end', 'points_left': left, 'torch': torch.__version__}), flush=True)


if __name__ == '__main__':
    if not torch.cuda.is_available():
        sys.exit('torch_baselines: PyTorch finds no CUDA device')
    main()
