# SPDX-License-Identifier: Apache-2.0
"""What the baselines compute, on the processor in fp32: routing, orders of rows, blocks, the whole
layer, against sums over single tokens; and that what fails is a row that says why. Skipped (77)
without PyTorch."""

import contextlib
import io
import json
import sys
import time
import types
import unittest
from pathlib import Path

try:
    import torch
except ImportError:
    print('SKIP: no PyTorch')
    sys.exit(77)

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[3] / 'bench' / 'gpu'))
import torch_baselines  # noqa: E402
import torch_layers  # noqa: E402

POINT = {'shape': 'small', 'experts': 6, 'top_k': 2, 'hidden': 8, 'units': 4, 'mean_rows': 3,
         'tokens': 9, 'distribution': 'multinomial'}
# Expert 4 has no rows, expert 0 seven.
CHOICES = torch.tensor([[0, 1], [2, 0], [0, 3], [5, 0], [0, 5], [1, 2], [0, 2], [3, 0], [5, 1]],
                       dtype=torch.int32)


def grouped_mm(a, b, ends):
    """What torch's grouped product is: rows up to each end by their expert's matrix."""
    result, begin = [], 0
    for expert, end in enumerate(ends.tolist()):
        result.append(a[begin:end] @ b[expert])
        begin = end
    return torch.cat(result)


def one_by_one(layer):
    """The layer's sum, a token and a slot at a time, in double."""
    sums = torch.zeros(layer.tokens.shape, dtype=torch.float64)
    for token, chosen in enumerate(layer.choices.tolist()):
        weights = torch.softmax(layer.logits[token, chosen].double(), dim=0)
        x = layer.tokens[token].double()
        for weight, expert in zip(weights, chosen):
            gate = layer.gate[expert].double() @ x
            up = layer.up[expert].double() @ x
            rows = torch.nn.functional.silu(gate) * up
            sums[token] += weight * (layer.down[expert].double() @ rows)
    return sums


class FakeBlock(torch.nn.Module):
    """A block as Hugging Face's is built and called: a gate gives logits, weights, experts."""

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.gate = torch.nn.Linear(config.hidden_size, config.num_experts)
        self.experts = torch.nn.Module()
        self.experts.gate_up_proj = torch.nn.Parameter(torch.empty(0))
        self.experts.down_proj = torch.nn.Parameter(torch.empty(0))

    def forward(self, hidden_states):
        flat = hidden_states.view(-1, hidden_states.shape[-1])
        _, weights, experts = self.gate(flat)
        sums = torch.zeros_like(flat)
        for token, chosen in enumerate(experts.tolist()):
            for slot, expert in enumerate(chosen):
                gate, up = (self.experts.gate_up_proj[expert] @ flat[token]).chunk(2)
                row = torch.nn.functional.silu(gate) * up
                sums[token] += weights[token, slot] * (self.experts.down_proj[expert] @ row)
        return sums.view(hidden_states.shape)


class TorchLayers(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(1)
        weights = torch_layers.make_weights(POINT, 'cpu', torch.float32)
        self.layer = torch_layers.Layer(POINT, CHOICES, weights)
        self.both = torch.cat(weights[:2], dim=1)
        self.before = torch_layers.grouped_mm
        torch_layers.grouped_mm = grouped_mm

    def tearDown(self):
        torch_layers.grouped_mm = self.before

    def test_logits_choose_what_they_are_for(self):
        # As bench_points.h: 2 and 3/2 for the chosen, (37 e mod 64) / 128 for the others.
        self.assertEqual(self.layer.logits[1].tolist(),
                         [1.5, 37 / 128, 2.0, 47 / 128, 20 / 128, 57 / 128])
        weights, experts = torch_layers.route(self.layer.logits, 2)
        self.assertTrue(torch.equal(experts, CHOICES.long()))
        self.assertAlmostEqual(weights[0, 0].item(), 0.622459, places=5)  # e^0 of e^0 + e^-1/2

    def test_rows_are_ordered_by_expert_and_token(self):
        # Sorted by hand: expert 0 has tokens 0, 1, 2, 3, 4, 6, 7; 1: 0, 5, 8; 2: 1, 5, 6; 3: 2, 7;
        # 4: none; 5: 3, 4, 8.
        self.assertEqual(self.layer.first_row.tolist(), [0, 7, 10, 13, 15, 15, 18])
        self.assertEqual(self.layer.token.tolist(),
                         [0, 1, 2, 3, 4, 6, 7, 0, 5, 8, 1, 5, 6, 2, 7, 3, 4, 8])

    def test_blocks_found_on_the_device_are_those_of_the_host(self):
        for rows in (1, 2, 3, 4, 16):
            expert, first = torch_layers.blocks_on_device(self.layer.first_row, 18, rows)
            known = expert >= 0
            host = torch_layers.blocks_of(self.layer.counts, rows, 'cpu')
            self.assertEqual(expert[known].tolist(), host[0].tolist(), rows)
            self.assertEqual(first[known].tolist(), host[1].tolist(), rows)
            self.assertEqual(expert.dtype, torch.int32)

    def test_the_layer_is_the_sum_over_single_tokens(self):
        expected = one_by_one(self.layer)
        for combine in torch_layers.COMBINATIONS:
            result = torch_layers.torch_layer(self.layer, self.both, combine)
            self.assertLess(torch_baselines.difference(result, expected), 1e-6, combine)

    def test_a_block_runs_with_its_gate_given(self):
        names = ('transformers', 'transformers.models', 'transformers.models.qwen3_moe')
        modules = {name: types.ModuleType(name) for name in names}
        modules['transformers'].Qwen3MoeConfig = types.SimpleNamespace
        modules[names[2]].modeling_qwen3_moe = types.SimpleNamespace(
            Qwen3MoeSparseMoeBlock=FakeBlock)
        before = {name: sys.modules.get(name) for name in names}
        sys.modules.update(modules)
        on_device, torch.device = torch.device, lambda _name: contextlib.nullcontext()
        try:
            block = torch_layers.hugging_face_block(self.layer, self.both, 'grouped_mm')
        finally:
            torch.device = on_device
            for name, module in before.items():
                if module is None:
                    del sys.modules[name]
                else:
                    sys.modules[name] = module
        self.assertEqual(block.config._experts_implementation, 'grouped_mm')
        result = torch_layers.run_block(block, self.layer.tokens)
        self.assertLess(torch_baselines.difference(result, one_by_one(self.layer)), 1e-6)


class Attempts(unittest.TestCase):
    def attempt(self, measure):
        with contextlib.redirect_stdout(io.StringIO()) as output:
            torch_baselines.attempt(POINT, 'this_way', 'layer', measure)
        return json.loads(output.getvalue())

    def test_a_figure_is_a_row(self):
        row = self.attempt(lambda: {'time_s': 0.5, 'graph': True})
        self.assertEqual((row['time_s'], row['scope'], row['problem']), (0.5, 'layer', ''))
        self.assertEqual((row['shape'], row['mean_rows'], row['graph']), ('small', 3, True))

    def test_what_fails_or_takes_too_long_is_a_row_that_says_why(self):
        row = self.attempt(lambda: torch_baselines.checked(torch.ones(2, 2), torch.zeros(2, 2) + 2))
        self.assertIsNone(row['time_s'])
        self.assertEqual(row['problem'], 'ValueError: off by 0.5')
        before, torch_baselines.ATTEMPT_S = torch_baselines.ATTEMPT_S, 1
        try:
            row = self.attempt(lambda: time.sleep(60))
        finally:
            torch_baselines.ATTEMPT_S = before
        self.assertEqual(row['problem'], 'TimeoutError: this_way took more than 1 s')

    def test_without_a_reference_each_way_says_so(self):
        point = {**POINT, 'layer': True}
        before, torch_layers.grouped_mm = torch_layers.grouped_mm, None
        weights = torch_layers.make_weights(POINT, 'cpu', torch.float32)
        try:
            with contextlib.redirect_stdout(io.StringIO()) as output:
                torch_baselines.Baselines(0).measure(point, CHOICES, weights, weights[0])
        finally:
            torch_layers.grouped_mm = before
        rows = [json.loads(line) for line in output.getvalue().splitlines()]
        self.assertEqual([(row['implementation'], row['scope']) for row in rows],
                         [('torch_grouped_mm', 'experts'), ('torch_grouped_mm', 'layer'),
                          ('triton', 'experts'), ('triton', 'layer')])
        for row in rows:
            self.assertIn('TypeError', row['problem'])


if __name__ == '__main__':
    unittest.main()
