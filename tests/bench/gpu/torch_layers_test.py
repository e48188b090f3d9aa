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
from unittest import mock

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

    def test_the_real_block_runs_with_its_gate_given(self):
        try:
            block = torch_layers.hugging_face_block(self.layer, self.both, 'eager')
        except ImportError as error:  # not there, or too old for the baselines as well
            self.skipTest(str(error))
        with torch.no_grad():
            result = torch_layers.run_block(block, self.layer.tokens)
        self.assertLess(torch_baselines.difference(result, one_by_one(self.layer)), 1e-6)

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
    def setUp(self):
        self.limits = torch_baselines.Limits(time.monotonic() + 600)
        before = torch_baselines.ATTEMPT_S, torch_baselines.LEAST_S

        def put_back():
            torch_baselines.ATTEMPT_S, torch_baselines.LEAST_S = before
        self.addCleanup(put_back)

    def attempt(self, measure, prepare=None):
        row = torch_baselines.row_of(POINT, 'this_way', 'layer')
        with contextlib.redirect_stdout(io.StringIO()) as output:
            returned = torch_baselines.attempt(row, self.limits, measure, prepare)
        self.assertEqual(json.loads(output.getvalue()), returned)
        return returned

    def test_the_last_figure_is_a_row(self):
        row = self.attempt(lambda _: iter([{'time_s': 0.75}, {'time_s': 0.5, 'graph': True}]))
        self.assertEqual((row['time_s'], row['scope'], row['problem']), (0.5, 'layer', ''))
        self.assertEqual((row['shape'], row['mean_rows'], row['graph']), ('small', 3, True))

    def test_what_fails_is_a_row_that_says_why(self):
        row = self.attempt(
            lambda _: iter([torch_baselines.checked(torch.ones(2, 2), torch.zeros(2, 2) + 2)]))
        self.assertIsNone(row['time_s'])
        self.assertEqual(row['problem'], 'ValueError: off by 0.5')
        row = self.attempt(lambda _: iter([]))
        self.assertEqual(row['problem'], 'ValueError: nothing of it could be tried')

    def test_what_takes_too_long_keeps_the_best_so_far(self):
        def slow(known):
            yield from known
            time.sleep(60)
        torch_baselines.ATTEMPT_S = 0.2
        row = self.attempt(slow, lambda: [])
        self.assertIsNone(row['time_s'])
        self.assertEqual(row['problem'], 'TimeoutError: this_way took more than 0 s')
        row = self.attempt(slow, lambda: [{'time_s': 0.5}])
        self.assertEqual(row['time_s'], 0.5)
        self.assertIn('not all was tried: TimeoutError', row['problem'])

    def test_compiling_has_a_budget_of_its_own(self):
        torch_baselines.ATTEMPT_S, torch_baselines.LEAST_S = 0.2, 0.2

        def compile_for(seconds):
            time.sleep(seconds)
            return 0.5
        row = self.attempt(lambda known: iter([{'time_s': known}]), lambda: compile_for(0.5))
        self.assertEqual((row['time_s'], row['problem']), (0.5, ''))
        left_s = self.limits.compiling_s['triton']
        self.assertLess(left_s, torch_baselines.COMPILING_S['triton'] - 0.4)
        self.limits.compiling_s['triton'] = 0
        row = self.attempt(lambda known: iter([{'time_s': known}]), lambda: compile_for(60))
        self.assertEqual(row['problem'], 'TimeoutError: compiling this_way took more than 0 s')

    def test_nothing_goes_on_long_after_the_end(self):
        self.limits = torch_baselines.Limits(time.monotonic() + 0.1 - torch_baselines.AFTER_END_S)
        row = self.attempt(lambda _: (time.sleep(60) for _ in range(1)))
        self.assertIn('TimeoutError', row['problem'])


def fake_triton(slow):
    """triton_moe by torch, with three configurations, of which `slow` never ends compiling."""
    module = types.ModuleType('triton_moe')
    module.CONFIGS = [((16, 1, 1), 1, 1), ((16, 2, 1), 1, 1), ((64, 1, 1), 1, 1)]

    def both_of(layer):
        return torch.cat((layer.gate, layer.up), dim=1)

    class TritonExperts:
        def __init__(self, layer, config):
            self.layer, self.config = layer, config

        def forward(self):
            if self.config == slow:
                time.sleep(60)
            return torch_layers.torch_experts(self.layer, both_of(self.layer))

    class TritonLayer(TritonExperts):
        def forward(self):
            return torch_layers.torch_layer(self.layer, both_of(self.layer), 'added')

    module.TritonExperts, module.TritonLayer = TritonExperts, TritonLayer
    return module


class Points(unittest.TestCase):
    """Whole points on the processor, where a way's time is how often it was timed."""

    def setUp(self):
        torch.manual_seed(1)
        self.weights = torch_layers.make_weights(POINT, 'cpu', torch.float32)
        self.timed = 0
        for owner, name, value in (
                (torch_layers, 'grouped_mm', grouped_mm), (torch_baselines, 'time_of', self.time_of),
                (torch_baselines, 'captured', lambda work: work),
                (torch_baselines, 'LEAST_S', 0.2), (torch.cuda, 'synchronize', lambda: None)):
            self.addCleanup(setattr, owner, name, getattr(owner, name))
            setattr(owner, name, value)

    def time_of(self, work, _seconds):
        work()
        self.timed += 1
        return float(self.timed), 5

    def rows_of(self, triton, compiling_s=60):
        baselines = torch_baselines.Baselines(time.monotonic() + 600)
        baselines.limits.compiling_s['triton'] = compiling_s
        before = sys.modules.get('triton_moe')
        sys.modules['triton_moe'] = triton
        try:
            with contextlib.redirect_stdout(io.StringIO()) as output, torch.no_grad():
                baselines.measure({**POINT, 'layer': True}, CHOICES, self.weights,
                                  torch.cat(self.weights[:2], dim=1))
        finally:
            del sys.modules['triton_moe']
            if before is not None:
                sys.modules['triton_moe'] = before
        return [json.loads(line) for line in output.getvalue().splitlines()]

    def test_every_way_is_a_row(self):
        rows = self.rows_of(fake_triton(slow=None))
        # Timed: torch's products (1); two configurations of triton, since one of 64 rows needs 8
        # an expert (2, 3); two combinations (4, 5); triton's layer (6). The first is the fastest.
        self.assertEqual(
            [(row['implementation'], row['scope'], row['time_s'], row['problem']) for row in rows],
            [('torch_grouped_mm', 'experts', 1.0, ''), ('triton', 'experts', 2.0, ''),
             ('torch_grouped_mm', 'layer', 4.0, ''), ('triton', 'layer', 6.0, '')])
        self.assertEqual(rows[1]['config'], [[16, 1, 1], 1, 1])
        self.assertLess(rows[3]['error'], 1e-6)

    def test_what_cannot_be_captured_is_timed_as_it_is_launched(self):
        self.assertTrue(all(row['graph'] for row in self.rows_of(fake_triton(slow=None))))

        def refuse(_work):
            raise RuntimeError('it waits for the device')
        torch_baselines.captured = refuse
        rows = self.rows_of(fake_triton(slow=None))
        self.assertEqual([(row['graph'], row['problem']) for row in rows], [(False, '')] * 4)

        def take_too_long(_work):
            raise TimeoutError('no time')
        torch_baselines.captured = take_too_long
        for row in self.rows_of(fake_triton(slow=None)):
            self.assertIn(row['problem'], ('TimeoutError: no time', 'its products failed'))

    def test_a_block_is_tuned_after_all_else(self):
        modes = []

        def compiled_block(_layer, _both, _name, mode):
            modes.append(mode)
            return lambda tokens: torch.zeros_like(tokens)
        point = {**POINT, 'shape': 'qwen3_30b', 'mean_rows': 64, 'layer': True}
        self.assertTrue(torch_baselines.has_blocks(point))
        baselines = torch_baselines.Baselines(time.monotonic() + 600)
        both = torch.cat(self.weights[:2], dim=1)
        with mock.patch.object(torch_baselines, 'compiled_block', compiled_block), \
                mock.patch.dict(sys.modules, {'triton_moe': fake_triton(slow=None)}), \
                contextlib.redirect_stdout(io.StringIO()) as output, torch.no_grad():
            baselines.measure(point, CHOICES, self.weights, both)
            before = list(modes)
            baselines.measure_tuned(point, CHOICES, self.weights, both)
        self.assertEqual((before, modes[3:]), ([None, 'default', 'default'],
                                               ['max-autotune-no-cudagraphs']))
        last = json.loads(output.getvalue().splitlines()[-1])
        self.assertEqual(last['implementation'], 'hf_grouped_mm_compiled')

    def test_what_was_not_compiled_in_time_is_left_out(self):
        triton = fake_triton(slow=((16, 2, 1), 1, 1))
        rows = self.rows_of(triton, compiling_s=0)
        self.assertEqual((rows[1]['time_s'], rows[1]['problem']),
                         (2.0, '1 of 2 configurations: TimeoutError: compiling triton took more '
                               'than 0 s'))
        self.assertEqual(rows[3]['time_s'], 5.0)
        rows = self.rows_of(fake_triton(slow=((16, 1, 1), 1, 1)), compiling_s=0)
        self.assertEqual(rows[1]['problem'], 'TimeoutError: compiling triton took more than 0 s')
        self.assertEqual(rows[3]['problem'], 'its products failed')

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
