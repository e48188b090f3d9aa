# SPDX-License-Identifier: Apache-2.0
"""The gate of a MoE layer in PyTorch, from the papers' formulas and as literally as they allow:
what is differentiable is left to autograd, the choices are plain loops."""

from dataclasses import dataclass, field
from math import ceil

import torch
import torch.nn.functional as F

from balance_losses import balance_losses

GATELESS = ('hash', 'random')


@dataclass
class Draws:
    """What a training pass draws, handed over by the program under test."""
    noise: torch.Tensor = None   # [tokens, num_experts], standard normal
    jitter: torch.Tensor = None  # [tokens, hidden], factors of the router's input


@dataclass
class Setting:
    """What a router sees besides weights and rows."""
    config: dict
    training: bool
    seq_length: int
    draws: Draws
    given_experts: list = None  # [tokens][top_k], for routers whose choice is no formula


@dataclass
class Decision:
    chosen: list  # [tokens][slots], before overflow
    experts: list = None  # [tokens][slots], -1 where the slot is empty
    kept: list = None  # [tokens][slots]
    weights: torch.Tensor = None  # [tokens, slots], 0 where not kept
    scores: torch.Tensor = None  # [tokens, num_experts]
    losses: dict = field(default_factory=dict)


@dataclass
class Logits:
    clean: torch.Tensor  # [tokens, num_experts]
    scored: torch.Tensor  # with noise, or log p of two_level
    noise_scale: torch.Tensor = None
    group: torch.Tensor = None  # [tokens, n_group], two_level


def compute_logits(weights, setting, x):
    config, draws = setting.config, setting.draws
    if draws.jitter is not None:  # Switch, arXiv 2101.03961, appendix C
        x = x * draws.jitter
    clean = x @ weights['gate'].T
    if config['type'] == 'noisy_top_k' and setting.training:  # arXiv 1701.06538, eq. 4
        if config['noise_scale'] == 'learned':
            scale = F.softplus(x @ weights['noise'].T, threshold=100)
        else:
            scale = torch.full_like(clean, config['noise_std'])
        return Logits(clean, clean + draws.noise * scale, noise_scale=scale)
    if config['type'] == 'two_level':  # arXiv 1701.06538, appendix B
        group = x @ weights['group_gate'].T
        within = clean.view(len(x), config['n_group'], -1)
        joint = F.softmax(group, -1).unsqueeze(-1) * F.softmax(within, -1)
        return Logits(clean, joint.view_as(clean).log(), group=group)
    return Logits(clean, clean)


def score(config, logits):
    if config['score_function'] == 'sigmoid':  # DeepSeek-V3, arXiv 2412.19437, eq. 15
        return torch.sigmoid(logits.scored)
    return F.softmax(logits.scored, -1)


def best(values, count):
    """Indices of the `count` largest of a row, by falling value, of equal ones the lower first."""
    return sorted(range(len(values)), key=lambda i: (-values[i], i))[:count]


def group_values(config, values, logits, token):
    """What a token's groups are judged by."""
    size = len(values) // config['n_group']
    groups = [values[g * size:(g + 1) * size] for g in range(config['n_group'])]
    if config['type'] == 'two_level':  # p(group)
        return logits.group[token].tolist()
    if config['score_function'] == 'sigmoid':  # DeepSeek-V3: the sum of the two best
        return [sum(sorted(group)[-2:]) for group in groups]
    return [max(group) for group in groups]  # DeepSeek-V2, arXiv 2405.04434, section 2.1.2


def within_best_groups(config, values, groups):
    size = len(values) // config['n_group']
    allowed = best(groups, config['topk_group'])
    return [v if i // size in allowed else float('-inf') for i, v in enumerate(values)]


def sinkhorn(config, logits):
    """Rows and columns of exp(logits) scaled in turn to sums 1 and tokens / experts
    (arXiv 2202.01169, appendix B)."""
    plan = torch.exp(logits.double())
    for _ in range(config['sinkhorn_iterations']):
        plan = plan / plan.sum(1, keepdim=True)
        plan = plan / plan.sum(0, keepdim=True) * (plan.shape[0] / plan.shape[1])
    return plan


def choose(weights, setting, logits, scores):
    """[tokens][slots] experts."""
    config = setting.config
    if config['type'] == 'expert_choice':
        return choose_tokens(config, scores)
    values = scores.detach()
    if 'selection_bias' in weights:  # DeepSeek-V3, eq. 16: selects and does not weigh
        values = values + weights['selection_bias'][0]
    if config['type'] == 'sinkhorn' and setting.training:
        values = sinkhorn(config, logits.clean.detach())
    rows = values.tolist()
    if config['type'] in ('group_limited', 'two_level'):
        rows = [within_best_groups(config, row, group_values(config, row, logits, token))
                for token, row in enumerate(rows)]
    return [best(row, config['num_experts_per_tok']) for row in rows]


def choose_tokens(config, scores):
    """Each expert its best tokens (arXiv 2202.09368, section 3.2)."""
    tokens, experts = scores.shape
    count = min(tokens, capacity(config, tokens, config['capacity_factor'] or 1.0))
    chosen = [[] for _ in range(tokens)]
    for expert in range(experts):
        for token in best(scores[:, expert].tolist(), count):
            chosen[token].append(expert)
    slots = max(map(len, chosen))
    return [sorted(row) + [-1] * (slots - len(row)) for row in chosen]


def capacity(config, tokens, factor):
    """Slots of an expert (arXiv 2101.03961, eq. 3)."""
    share = factor * tokens * config['num_experts_per_tok'] / config['num_experts']
    return max(config['min_capacity'], ceil(share - 1e-9))


def weigh(config, logits, scores, experts):
    """[tokens, slots] weights of the experts, before drops; 0 in empty slots."""
    slots = torch.tensor(experts)
    there = slots >= 0
    parts = logits.scored.exp() if config['weights'] == 'softmax_selected' else scores
    chosen = parts.gather(1, slots.clamp(min=0)) * there
    if config['weights'] == 'as_is':
        return chosen
    return chosen / chosen.sum(1, keepdim=True).masked_fill(~there.any(1, keepdim=True), 1)


class Capacity:
    """Which pairs full experts and full ranks turn away, and where those go."""

    def __init__(self, config, experts, weights):
        self.config, self.experts = config, [list(row) for row in experts]
        self.weights = weights.tolist()
        self.kept = [[e >= 0 for e in row] for row in experts]
        pairs, count = len(experts) * config['num_experts_per_tok'], config['num_experts']
        infinite = pairs + 1
        self.slots = infinite if config['capacity_factor'] is None else \
            capacity(config, len(experts), config['capacity_factor'])
        ranks = config['capacity_ranks']
        self.rank_slots = infinite if config['rank_capacity_factor'] is None else \
            ceil(config['rank_capacity_factor'] * pairs / ranks - 1e-9)
        # Contiguous blocks, of which the first ones have one expert more.
        sizes = [count // ranks + (r < count % ranks) for r in range(ranks)]
        self.rank_of = [r for r, size in enumerate(sizes) for _ in range(size)]

    def in_order(self, pairs):
        if self.config['token_drop_policy'] == 'position':
            return sorted(pairs)
        return sorted(pairs, key=lambda pair: (-self.weights[pair[0]][pair[1]], pair))

    def pairs(self, belongs):
        return [(t, s) for t, row in enumerate(self.experts) for s, e in enumerate(row)
                if self.kept[t][s] and belongs(e)]

    def run(self, scores):
        turned_away = []
        for expert in range(self.config['num_experts']):
            turned_away += self.in_order(self.pairs(lambda e, x=expert: e == x))[self.slots:]
        self.turn_away(turned_away)
        late = []
        for rank in range(self.config['capacity_ranks']):
            of_rank = self.pairs(lambda e, r=rank: self.rank_of[e] == r)
            late += self.in_order(of_rank)[self.rank_slots:]
        self.turn_away(late)
        if self.config['overflow'] == 'next_best':
            for token, slot in self.in_order(turned_away + late):
                self.find_room(token, slot, scores[token].tolist())

    def turn_away(self, pairs):
        for token, slot in pairs:
            self.kept[token][slot] = False

    def find_room(self, token, slot, scores):
        load = [len(self.pairs(lambda e, x=expert: e == x)) for expert in range(len(scores))]
        rank_load = [sum(n for n, r in zip(load, self.rank_of) if r == rank)
                     for rank in range(self.config['capacity_ranks'])]
        for expert in best(scores, len(scores)):
            if expert in self.experts[token] or load[expert] >= self.slots or \
                    rank_load[self.rank_of[expert]] >= self.rank_slots:
                continue
            self.experts[token][slot], self.kept[token][slot] = expert, True
            return


def can_drop(config):
    return config['type'] != 'expert_choice' and (
        config['capacity_factor'] is not None or config['rank_capacity_factor'] is not None)


def route(weights, setting, x):
    config = setting.config
    if config['type'] in GATELESS:
        decision = Decision(setting.given_experts)
        share = 1 / config['num_experts_per_tok']
        equal = torch.full((len(x), config['num_experts_per_tok']), share, dtype=x.dtype)
        finish(config, decision, lambda experts: equal)
        return decision
    logits = compute_logits(weights, setting, x)
    scores = score(config, logits)
    decision = Decision(choose(weights, setting, logits, scores), scores=scores)
    before_drop = finish(config, decision, lambda experts: weigh(config, logits, scores, experts))
    decision.losses = balance_losses(setting, logits, decision, before_drop)
    return decision


def finish(config, decision, weigh_experts):
    """Capacity, drops and the weights' factors; the weights before drops."""
    weights = weigh_experts(decision.chosen)
    decision.experts = decision.chosen
    decision.kept = [[e >= 0 for e in row] for row in decision.chosen]
    if can_drop(config):
        limit = Capacity(config, decision.chosen, weights.detach())
        limit.run(decision.scores)
        decision.experts, decision.kept = limit.experts, limit.kept
        weights = weigh_experts(limit.experts)
    kept = weights * torch.tensor(decision.kept)
    if config['renormalise_after_drop'] and can_drop(config):
        sums = kept.sum(1, keepdim=True)
        kept = kept * (weights.sum(1, keepdim=True) / sums.masked_fill(sums == 0, 1))
    decision.weights = kept * config['routed_scaling_factor']
    return weights
