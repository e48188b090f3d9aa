# SPDX-License-Identifier: Apache-2.0
"""Times what else computes a layer's experts on a GPU, on the choices that product_bench wrote: a
line of JSON for each figure, in its form.

    torch_baselines.py FOLDER SECONDS

- torch_grouped_mm: rows gathered, torch's grouped product, SiLU and product, grouped product
- triton: triton_moe.py, the fastest of its configurations on each point
- hf_compiled: the experts of Hugging Face's Qwen3-MoE block under torch.compile, combine included
  (scope experts_and_combine)
"""

import json
import sys
import time
from pathlib import Path

import torch

BURST_S = 0.03
TOLERANCE = 1e-2  # of two ways that round alike but sum in different orders
# Where the compiled block is measured: it compiles anew for every number of rows.
COMPILED = {('qwen3_30b', 64), ('qwen3_30b', 256), ('qwen3_30b', 1024), ('mixtral', 256)}


class Layer:
    """A point's operands. Weights are [experts, outputs, inputs], as torch's Linear has them."""

    def __init__(self, point, choices, weights):
        self.gate, self.up, self.down = weights
        self.top_k = point['top_k']
        flat = choices.flatten().long()
        order = torch.argsort(flat, stable=True)
        self.counts = torch.bincount(flat, minlength=point['experts']).tolist()
        ends = torch.tensor(self.counts).cumsum(0).to(torch.int32)
        self.ends = ends.cuda()
        self.first_row = torch.cat([torch.zeros(1, dtype=torch.int32), ends]).cuda()
        self.token = (order // self.top_k).to(torch.int32).cuda()
        self.token_long = self.token.long()
        self.choices = choices.long().cuda()
        self.rows = flat.numel()
        generator = torch.Generator(device='cuda').manual_seed(4)
        self.tokens = torch.randn(point['tokens'], point['hidden'], generator=generator,
                                  device='cuda', dtype=torch.float32).to(torch.bfloat16)


def make_weights(point):
    experts, hidden, units = point['experts'], point['hidden'], point['units']
    shapes = ((units, hidden), (units, hidden), (hidden, units))
    result = []
    for outputs, inputs in shapes:
        weight = torch.empty(experts, outputs, inputs, device='cuda', dtype=torch.bfloat16)
        for expert in range(experts):
            weight[expert].normal_(std=inputs ** -0.5)
        result.append(weight)
    return result


def grouped_mm(a, b, ends):
    function = getattr(torch.nn.functional, 'grouped_mm', None) or torch._grouped_mm
    return function(a, b, offs=ends)


def torch_experts(layer, both):
    """The forward pass by torch's grouped product; `both`: gate and up as one weight."""
    rows = layer.tokens.index_select(0, layer.token_long)
    z = grouped_mm(rows, both.transpose(-2, -1), layer.ends)
    gate, up = z.chunk(2, dim=-1)
    activated = torch.nn.functional.silu(gate) * up
    return grouped_mm(activated, layer.down.transpose(-2, -1), layer.ends)


def compiled_experts(layer, point, both):
    """A function of no arguments: Hugging Face's experts, compiled. Raises without them."""
    from transformers import Qwen3MoeConfig
    from transformers.models.qwen3_moe import modeling_qwen3_moe as module
    config = Qwen3MoeConfig(hidden_size=point['hidden'], moe_intermediate_size=point['units'],
                            num_experts=point['experts'], num_experts_per_tok=point['top_k'])
    config._experts_implementation = 'grouped_mm'
    with torch.device('meta'):
        experts = module.Qwen3MoeExperts(config)
    experts.gate_up_proj = torch.nn.Parameter(both, requires_grad=False)
    experts.down_proj = torch.nn.Parameter(layer.down, requires_grad=False)
    weights = torch.full(layer.choices.shape, 1 / layer.top_k, dtype=torch.bfloat16, device='cuda')
    compiled = torch.compile(experts, mode='max-autotune-no-cudagraphs')
    return lambda: compiled(layer.tokens, layer.choices, weights)


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


def difference(a, b):
    a, b = a[:256].double(), b[:256].double()
    return ((a - b).norm() / b.norm()).item()


def row_of(point, implementation, **values):
    row = {'kind': 'experts', 'implementation': implementation, 'pass': 'forward', 'mode': 'burst',
           'scope': 'experts', 'time_s': None, 'error': None}
    for key in ('shape', 'mean_rows', 'tokens', 'distribution'):
        row[key] = point[key]
    return {**row, **values}


def print_row(row):
    print(json.dumps(row), flush=True)


def attempt(point, implementation, measure):
    """Prints what `measure` gives; a way that is not there, or fails, is a row without a time."""
    try:
        print_row(row_of(point, implementation, **measure()))
    except Exception as error:  # whatever a library raises: the other ways are still measured
        print(f'{implementation} on {point["file"]}: {type(error).__name__}: {error}'[:500],
              file=sys.stderr)
        print_row(row_of(point, implementation))


def measure_triton(layer, reference):
    import triton_moe
    best = None
    for config in triton_moe.CONFIGS:
        if config[0][0] > 16 and layer.rows < 8 * len(layer.counts):
            continue
        experts = triton_moe.TritonExperts(layer, config)
        error = difference(experts.forward(), reference)
        if not error <= TOLERANCE:
            raise ValueError(f'configuration {config} is off by {error}')
        seconds, runs = time_of(experts.forward, BURST_S / 2)
        if best is None or seconds < best['time_s']:
            best = {'time_s': seconds, 'runs': runs, 'error': error, 'config': str(config)}
    return best


def measure_point(point, choices, weights, both):
    layer = Layer(point, choices, weights)
    reference = torch_experts(layer, both)

    def by_torch():
        seconds, runs = time_of(lambda: torch_experts(layer, both), BURST_S)
        return {'time_s': seconds, 'runs': runs}

    def by_compiled():
        seconds, runs = time_of(compiled_experts(layer, point, both), BURST_S)
        return {'time_s': seconds, 'runs': runs, 'scope': 'experts_and_combine'}

    attempt(point, 'torch_grouped_mm', by_torch)
    attempt(point, 'triton', lambda: measure_triton(layer, reference))
    if (point['shape'], point['mean_rows']) in COMPILED and point['distribution'] == 'multinomial':
        attempt(point, 'hf_compiled', by_compiled)


def main():
    folder, end = Path(sys.argv[1]), time.monotonic() + float(sys.argv[2])
    points = [json.loads(line) for line in (folder / 'points.ndjson').read_text().splitlines()]
    shape, weights, both, left = None, None, None, 0
    for point in points:
        if time.monotonic() > end:
            left += 1
            continue
        if point['shape'] != shape:
            shape, weights, both = point['shape'], None, None
            torch.cuda.empty_cache()
            weights = make_weights(point)
            both = torch.cat(weights[:2], dim=1)
        data = (folder / point['file']).read_bytes()
        choices = torch.frombuffer(bytearray(data), dtype=torch.int32).view(point['tokens'], -1)
        with torch.no_grad():
            measure_point(point, choices, weights, both)
    print(json.dumps({'kind': 'end', 'points_left': left, 'torch': torch.__version__}), flush=True)


if __name__ == '__main__':
    if not torch.cuda.is_available():
        sys.exit('torch_baselines: PyTorch finds no CUDA device')
    main()
