# SPDX-License-Identifier: Apache-2.0
"""Compares what dump_cases wrote into a folder with PyTorch: decisions, logits, losses and every
gradient. One line a case; exit status 1 when a relative error is above its tolerance.

    check_cases.py FOLDER"""

import json
import sys
from pathlib import Path

import torch
import torch.nn.functional as F

import safetensors_file
from moe_gpt import MoeGpt
from moe_router import GATELESS

# Relative to a tensor's largest value. Sums of a few hundred terms in another order: 1e2 times the
# unit of rounding in float, 1e6 times in double.
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-10}
SELF_TEST = 'top_k_softmax_renormalised.*'  # cases that errors are put into

# Settings without effect are left out of a dumped configuration.
DEFAULTS = {
    'num_key_value_heads': 0, 'use_moe': True, 'first_k_dense_replace': 0, 'moe_layer_freq': 1,
    'expert_intermediate_sizes': [], 'n_shared_experts': 0, 'router': {},
}
ROUTER_DEFAULTS = {
    'n_group': 1, 'topk_group': 1, 'score_function': 'softmax', 'weights': 'renormalised',
    'min_capacity': 1, 'capacity_factor': None, 'rank_capacity_factor': None, 'capacity_ranks': 1,
    'overflow': 'drop', 'token_drop_policy': 'probs', 'renormalise_after_drop': False,
}


def complete(config):
    config = {**DEFAULTS, **config}
    config['router'] = {**ROUTER_DEFAULTS, **config['router']}
    return config


def relative_error(ours, reference):
    """Largest difference over the largest value."""
    reference = reference.detach().double()
    difference = (torch.tensor(ours).double() - reference).abs().max().item()
    if difference == 0:
        return 0.0
    largest = reference.abs().max().item()
    return difference / largest if largest > 0 else float('inf')


class Case:
    """One dumped file, and the reference's answer to the same question."""

    def __init__(self, path):
        self.dump, metadata = safetensors_file.read(path)
        self.name, self.training = metadata['name'], metadata['training'] == 'true'
        config = complete(json.loads(metadata['model']))
        weights = {name[len('weight/'):]: torch.tensor(value)
                   for name, value in self.dump.items() if name.startswith('weight/')}
        for name, weight in weights.items():
            weight.requires_grad_(not name.endswith('.selection_bias'))
        self.weights = weights
        self.dtype = weights['embedding.token'].dtype
        self.model = MoeGpt(config, weights, self.dump, self.training)
        self.logits = self.model.logits(torch.tensor(self.dump['inputs']).long())
        self.losses = self.compute_losses()
        sum(self.losses.values()).backward()

    def compute_losses(self):
        targets = torch.tensor(self.dump['targets']).long()
        losses = {'loss/cross_entropy': F.cross_entropy(self.logits, targets)}
        for layer, decision in self.model.decisions.items():
            for name, value in decision.losses.items():
                losses[f'layer.{layer}.{name}'] = value
        return losses

    def gradients(self):
        return {name: weight.grad if weight.grad is not None else torch.zeros_like(weight)
                for name, weight in self.weights.items() if weight.requires_grad}

    def wrong_decision(self):
        """What is decided otherwise, or ''."""
        for layer, decision in self.model.decisions.items():
            for part in ('chosen', 'experts', 'kept'):
                theirs = torch.tensor(self.dump[f'layer.{layer}.{part}']).long()
                ours = torch.tensor(getattr(decision, part)).long()
                if ours.shape != theirs.shape or not torch.equal(ours, theirs):
                    return f'layer {layer}: {part} differ'
        return self.wrong_gateless_choice()

    def wrong_gateless_choice(self):
        """A choice that no formula gives is still of distinct experts, and a hash's of the byte."""
        router = self.model.config['router']
        if router.get('type') not in GATELESS:
            return ''
        for layer, decision in self.model.decisions.items():
            of_byte = {}
            for byte, experts in zip(self.dump['inputs'].tolist(), decision.chosen):
                if len(set(experts)) != len(experts):
                    return f'layer {layer}: an expert twice'
                if router['type'] == 'hash' and of_byte.setdefault(byte, experts) != experts:
                    return f'layer {layer}: byte {byte} has two choices'
        return ''

    def errors(self):
        """Relative errors by name."""
        errors = {'logits': relative_error(self.dump['logits'], self.logits)}
        for name, value in self.losses.items():
            errors[name] = relative_error(self.dump[name], value.view(1))
        for layer, decision in self.model.decisions.items():
            name = f'layer.{layer}.weights'
            errors[name] = relative_error(self.dump[name], decision.weights)
        for name, gradient in self.gradients().items():
            errors['gradient/' + name] = relative_error(self.dump['gradient/' + name], gradient)
        return errors

    def unread(self):
        """Losses and gradients that only the program under test has."""
        known = {'gradient/' + name for name in self.gradients()} | set(self.losses)
        return [name for name in self.dump
                if (name.startswith('gradient/') or name.endswith('_loss')) and name not in known]


def judge(case):
    """The case's line, and whether it passed."""
    kind = {torch.float32: 'fp32', torch.float64: 'fp64'}[case.dtype]
    label = f'{case.name:34} {kind}'
    wrong = case.wrong_decision() or ', '.join(case.unread())
    if wrong:
        return f'{label}  FAILED  {wrong}', False
    errors = case.errors()
    worst = max(errors, key=lambda name: (errors[name] != errors[name], errors[name]))
    passed = errors[worst] < TOLERANCE[case.dtype]
    return (f'{label}  {errors[worst]:8.1e}  of {len(errors)} tensors, worst {worst}'
            f'{"" if passed else "  FAILED"}'), passed


def finds_errors(path):
    """Whether one wrong number in any gradient, or one wrong choice, is found."""
    case = Case(path)
    for name in [name for name in case.dump if name.startswith('gradient/')]:
        right = case.dump[name]
        wrong = right.copy()
        wrong.flat[wrong.size // 2] += 10 * TOLERANCE[case.dtype] * abs(right).max()
        case.dump[name] = wrong
        if judge(case)[1]:
            return False
        case.dump[name] = right
    case.dump['layer.0.experts'] = case.dump['layer.0.experts'][:, ::-1].copy()
    return not judge(case)[1]


def main():
    folder = Path(sys.argv[1])
    paths = sorted(folder.glob('*.safetensors'))
    if not paths:
        sys.exit('there are no cases')
    torch.set_num_threads(1)
    results = [judge(Case(path)) for path in paths]
    for line, _ in results:
        print(line)
    failed = sum(not passed for _, passed in results)
    print(f'{len(results)} cases, {failed} failed (PyTorch {torch.__version__})')
    blind = [path.name for path in folder.glob(SELF_TEST) if not finds_errors(path)]
    if blind:
        print(f'this check is blind: errors put into {blind} were not found')
    return 1 if failed or blind else 0


if __name__ == '__main__':
    sys.exit(main())
