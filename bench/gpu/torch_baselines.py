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
  given, experts one after another or by grouped products, as it is or under torch.compile
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
ATTEMPT_S = 20  # of one way on one point
COMPILING_S = 60  # of all compiled blocks together


@contextmanager
def at_most(seconds, what):
    """Raises TimeoutError in the work inside when it takes longer."""
    def give_up(_signal, _frame):
        raise TimeoutError(f'{what} took more than {seconds} s')
    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
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


def attempt(point, implementation, scope, measure):
    """Prints what `measure` gives; a way that is not there, or fails, is a row that says why. Returns
    the row."""
    try:
        with at_most(ATTEMPT_S, implementation):
            row = row_of(point, implementation, scope, **measure())
    except Exception as error:  # whatever a library raises: the other ways are still measured
        row = row_of(point, implementation, scope, problem=problem_of(error))
    print_row(row)
    return row


def figures(timing, **values):
    seconds, runs = timing
    return {'time_s': seconds, 'runs': runs, **values}


def measure_triton(layer, reference):
    import triton_moe
    best = None
    for config in triton_moe.CONFIGS:
        if config[0][0] > 16 and layer.rows < 8 * len(layer.counts):
            continue
        experts = triton_moe.TritonExperts(layer, config)
        error = checked(experts.forward(), reference)
        timing = time_of(experts.forward, BURST_S / 2)
        if best is None or timing[0] < best['time_s']:
            best = figures(timing, error=error, config=config)
    return best


def measure_triton_layer(layer, config, reference):
    import triton_moe
    whole = triton_moe.TritonLayer(layer, config)
    error = checked(whole.forward(), reference)
    return figures(time_of(captured(whole.forward), BURST_S), error=error, graph=True)


def measure_torch_layer(layer, both):
    best = None
    for combine in torch_layers.COMBINATIONS:
        timing = time_of(lambda: torch_layers.torch_layer(layer, both, combine), BURST_S / 2)
        if best is None or timing[0] < best['time_s']:
            best = figures(timing, config=combine)
    return best


def measure_block(layer, both, implementation, compiles, reference):
    block = torch_layers.hugging_face_block(layer, both, implementation)
    if compiles:
        block = torch.compile(block, mode='max-autotune-no-cudagraphs')
    error = checked(torch_layers.run_block(block, layer.tokens), reference)
    timing = time_of(lambda: torch_layers.run_block(block, layer.tokens), BURST_S)
    return figures(timing, error=error)


class Baselines:
    """What is measured on one point after another, until `end` (monotonic)."""

    def __init__(self, end):
        self.end = end
        self.compiling_s = COMPILING_S

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
        attempt(point, 'torch_grouped_mm', 'experts', lambda: figures(
            time_of(lambda: torch_layers.torch_experts(layer, both), BURST_S)))
        triton = attempt(point, 'triton', 'experts', lambda: measure_triton(layer, rows))
        del rows
        if point['layer']:
            self.measure_layer(point, layer, both, (triton, sums))

    def measure_layer(self, point, layer, both, known):
        triton, reference = known
        attempt(point, 'torch_grouped_mm', 'layer', lambda: measure_torch_layer(layer, both))
        if triton['problem']:
            print_row(row_of(point, 'triton', 'layer', problem='its products failed'))
        else:
            attempt(point, 'triton', 'layer',
                    lambda: measure_triton_layer(layer, triton['config'], reference))
        is_block = (point['shape'], point['mean_rows']) in BLOCKS
        if is_block and point['distribution'] == 'multinomial':
            self.measure_blocks(point, layer, both, reference)

    def measure_blocks(self, point, layer, both, reference):
        attempt(point, 'hf_eager', 'layer',
                lambda: measure_block(layer, both, 'eager', False, reference))
        for name in ('grouped_mm', 'eager'):
            implementation = f'hf_{name}_compiled'
            if min(self.compiling_s, self.end - time.monotonic()) <= 0:
                print_row(row_of(point, implementation, 'layer',
                                 problem='no time was left to compile it'))
                continue
            start = time.monotonic()
            attempt(point, implementation, 'layer',
                    lambda: measure_block(layer, both, name, True, reference))
            self.compiling_s -= time.monotonic() - start
            torch.compiler.reset()


def is_goal(point):
    """Whether a goal is set for the whole layer here: these are measured first."""
    return point['shape'] in ('qwen3_30b', 'mixtral') and point['mean_rows'] in (64, 256, 1024)


def main():
    folder, end = Path(sys.argv[1]), time.monotonic() + float(sys.argv[2])
    points = [json.loads(line) for line in (folder / 'points.ndjson').read_text().splitlines()]
    points.sort(key=lambda point: not is_goal(point))
    baselines = Baselines(end)
    shape, weights, both, left = None, None, None, 0
    for point in points:
        if time.monotonic() > end:
            left += 1
            continue
        if point['shape'] != shape:
            shape, weights, both = point['shape'], None, None
            torch.cuda.empty_cache()
            weights = torch_layers.make_weights(point, 'cuda', torch.bfloat16)
            both = torch.cat(weights[:2], dim=1)
        data = (folder / point['file']).read_bytes()
        choices = torch.frombuffer(bytearray(data), dtype=torch.int32).view(point['tokens'], -1)
        with torch.no_grad():
            baselines.measure(point, choices, weights, both)
    print(json.dumps({'kind': 'end', 'points_left': left, 'torch': torch.__version__}), flush=True)


if __name__ == '__main__':
    if not torch.cuda.is_available():
        sys.exit('torch_baselines: PyTorch finds no CUDA device')
    main()
