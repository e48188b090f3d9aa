# SPDX-License-Identifier: Apache-2.0
"""The balancing losses of one MoE layer in PyTorch, each from its paper."""

import torch


def squared_cv(values):
    return values.var(unbiased=False) / values.mean() ** 2


def counts_of(chosen, num_experts):
    pairs = torch.tensor([e for row in chosen for e in row if e >= 0])
    return torch.bincount(pairs, minlength=num_experts)


def shares_of(config, scores):
    """Scores that sum to 1 (arXiv 2412.19437, eq. 20, for the sigmoid's)."""
    return scores / scores.sum(1, keepdim=True) if config['score_function'] == 'sigmoid' else scores


def agreement(chosen, shares):
    """n sum_i f_i P_i (Switch, arXiv 2101.03961, eq. 4-6)."""
    counts = counts_of(chosen, shares.shape[1]).to(shares.dtype)
    return shares.shape[1] * (counts / counts.sum() * shares.mean(0)).sum()


def aux_loss(layer):
    return agreement(layer.decision.chosen, layer.shares)


def seq_aux_loss(layer):
    """The same by sequence (arXiv 2412.19437, eq. 17-20)."""
    step = layer.setting.seq_length
    terms = [agreement(layer.decision.chosen[t:t + step], layer.shares[t:t + step])
             for t in range(0, len(layer.shares), step)]
    return torch.stack(terms).mean()


def importance_loss(layer):
    """CV^2 of the summed weights (arXiv 1701.06538, eq. 6-7)."""
    slots = torch.tensor(layer.decision.experts)
    there = slots >= 0
    importance = torch.zeros(layer.shares.shape[1], dtype=layer.shares.dtype)
    return squared_cv(importance.index_add(0, slots[there], layer.weights[there]))


def load_loss(layer):
    """CV^2 of the smooth load (arXiv 1701.06538, eq. 8-11)."""
    logits, count = layer.logits, layer.shares.shape[1]
    k = layer.setting.config['num_experts_per_tok']
    if logits.noise_scale is None:
        return squared_cv(counts_of(layer.decision.chosen, count).to(layer.shares.dtype))
    chances = []
    for i in range(count):
        others = torch.cat([logits.scored[:, :i], logits.scored[:, i + 1:]], 1)
        threshold = others.topk(k, 1).values[:, -1]
        reach = (logits.clean[:, i] - threshold) / logits.noise_scale[:, i]
        chances.append(0.5 * (1 + torch.erf(reach / 2 ** 0.5)))
    return squared_cv(torch.stack(chances).sum(1))


def variance_loss(layer):
    """Variance over experts of the mean score, divisor n - 1."""
    return torch.var(layer.shares.mean(0) - 1 / layer.shares.shape[1])


def z_loss(layer):
    """ST-MoE, arXiv 2202.08906, eq. 5."""
    gates = [layer.logits.clean]
    if layer.logits.group is not None:
        gates.append(layer.logits.group)
    return sum((torch.logsumexp(z, 1) ** 2).mean() for z in gates)


LOSSES = {'aux_loss': aux_loss, 'seq_aux_loss': seq_aux_loss, 'importance_loss': importance_loss,
          'load_loss': load_loss, 'variance_loss': variance_loss, 'z_loss': z_loss}


class Layer:
    """What a loss looks at."""

    def __init__(self, setting, logits, decision, weights):
        self.setting, self.logits, self.decision, self.weights = setting, logits, decision, weights
        self.shares = shares_of(setting.config, decision.scores)


def balance_losses(setting, logits, decision, weights):
    """Each loss with a coefficient, times it."""
    layer = Layer(setting, logits, decision, weights)
    coefficients = {name: setting.config.get(name + '_coef', 0) for name in LOSSES}
    return {name: coefficients[name] * loss(layer) for name, loss in LOSSES.items()
            if coefficients[name] != 0}
