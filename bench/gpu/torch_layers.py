# SPDX-License-Identifier: Apache-2.0
"""A layer of experts by PyTorch: operands of a point, the experts' products alone, and the whole
layer from the gate's logits to the weighted sum of rows. Runs wherever its tensors lie."""

import torch


def logits_for(choices, experts):
    """[tokens, experts]: their top-k are `choices`, in that order; as bench_points.h makes them."""
    tokens, top_k = choices.shape
    device = choices.device
    others = (torch.arange(experts, device=device) * 37 % 64).to(torch.float32) / 128
    chosen = 2 - torch.arange(top_k, device=device, dtype=torch.float32) / top_k
    logits = others.repeat(tokens, 1)
    return logits.scatter_(1, choices.long(), chosen.repeat(tokens, 1))


def route(logits, top_k):
    """Softmax, top-k, renormalised: weights and experts, both [tokens, top_k]."""
    scores = torch.softmax(logits, dim=-1, dtype=torch.float32)
    weights, experts = torch.topk(scores, top_k, dim=-1)
    return weights / weights.sum(dim=-1, keepdim=True), experts


class RowOrder:
    """The pairs (token, slot) by expert, without the host waiting for a count."""

    def __init__(self, chosen, experts):
        flat = chosen.flatten()
        self.pair = torch.argsort(flat, stable=True)
        self.token = self.pair // chosen.shape[1]
        counts = torch.histc(flat.to(torch.float32), bins=experts, min=0, max=experts - 1)
        self.ends = counts.cumsum(0).to(torch.int32)
        self.first_row = torch.nn.functional.pad(self.ends, (1, 0))


def blocks_of(counts, rows, device):
    """(expert, first row) of each block of so many rows of one expert, made on the host."""
    experts, firsts, begin = [], [], 0
    for expert, count in enumerate(counts):
        for first in range(0, count, rows):
            experts.append(expert)
            firsts.append(begin + first)
        begin += count
    place = {'dtype': torch.int32, 'device': device}
    return torch.tensor(experts, **place), torch.tensor(firsts, **place)


def blocks_on_device(first_row, pairs, rows):
    """The same without the host knowing a count: as many blocks as there can be, expert -1 where
    there is none."""
    experts = first_row.numel() - 1
    most = min(pairs, pairs // rows + experts)
    counts = first_row[1:] - first_row[:-1]
    blocks = (counts + rows - 1) // rows
    ends = blocks.cumsum(0)
    index = torch.arange(most, device=first_row.device)
    expert = torch.searchsorted(ends, index, right=True)
    known = expert.clamp(max=experts - 1)
    first = first_row[known] + (index - (ends - blocks)[known]) * rows
    expert = torch.where(expert < experts, expert, torch.full_like(expert, -1))
    return expert.to(torch.int32), first.to(torch.int32)


class Layer:
    """A point's operands. Weights are [experts, outputs, inputs], as torch's Linear has them."""

    def __init__(self, point, choices, weights):
        device = weights[0].device
        self.gate, self.up, self.down = weights
        self.experts, self.top_k = point['experts'], point['top_k']
        self.choices = choices.long().to(device)
        self.logits = logits_for(self.choices, self.experts)
        order = RowOrder(self.choices, self.experts)
        self.ends, self.first_row = order.ends, order.first_row
        self.token_long, self.token = order.token, order.token.to(torch.int32)
        self.pair = order.pair.to(torch.int32)
        self.counts = (self.first_row[1:] - self.first_row[:-1]).tolist()
        self.rows = self.choices.numel()
        generator = torch.Generator(device=device).manual_seed(4)
        self.tokens = torch.randn(point['tokens'], point['hidden'], generator=generator,
                                  device=device, dtype=torch.float32).to(weights[0].dtype)


def make_weights(point, device, dtype):
    """Gate, up and down, normal with variance 1 / (what is summed over)."""
    experts, hidden, units = point['experts'], point['hidden'], point['units']
    result = []
    for outputs, inputs in ((units, hidden), (units, hidden), (hidden, units)):
        weight = torch.empty(experts, outputs, inputs, device=device, dtype=dtype)
        for expert in range(experts):
            weight[expert].normal_(std=inputs ** -0.5)
        result.append(weight)
    return result


def grouped_mm(a, b, ends):
    function = getattr(torch.nn.functional, 'grouped_mm', None) or torch._grouped_mm
    return function(a, b, offs=ends)


def products(rows, both, down, ends):
    """Rows in the experts' order to such rows; `both`: gate and up as one weight."""
    gate, up = grouped_mm(rows, both.transpose(-2, -1), ends).chunk(2, dim=-1)
    activated = torch.nn.functional.silu(gate) * up
    return grouped_mm(activated, down.transpose(-2, -1), ends)


def torch_experts(layer, both):
    """The products alone: tokens' rows, gathered, to rows in the experts' order."""
    return products(layer.tokens.index_select(0, layer.token_long), both, layer.down, layer.ends)


def sum_gathered(rows, order, weights):
    """A token's rows side by side, times their weights in one batched product."""
    tokens, top_k = weights.shape
    place = torch.empty_like(order.pair)
    place[order.pair] = torch.arange(order.pair.numel(), device=rows.device)
    gathered = rows.index_select(0, place).view(tokens, top_k, -1)
    return torch.bmm(weights.to(rows.dtype).unsqueeze(1), gathered).squeeze(1)


def sum_added(rows, order, weights):
    """Rows, weighted, added to their tokens' sums atomically."""
    sums = torch.zeros(weights.shape[0], rows.shape[1], device=rows.device, dtype=rows.dtype)
    weighted = rows * weights.flatten()[order.pair].to(rows.dtype).unsqueeze(1)
    return sums.index_add_(0, order.token, weighted)


COMBINATIONS = {'gathered': sum_gathered, 'added': sum_added}


def torch_layer(layer, both, combine):
    """The whole layer; `combine` names one of COMBINATIONS."""
    weights, experts = route(layer.logits, layer.top_k)
    order = RowOrder(experts, layer.experts)
    rows = products(layer.tokens.index_select(0, order.token), both, layer.down, order.ends)
    return COMBINATIONS[combine](rows, order, weights)


class GivenGate(torch.nn.Module):
    """Stands for a block's gate where the logits are given: what it returns is what a gate does
    after its product: logits, weights, experts."""

    def __init__(self, logits, top_k, dtype):
        super().__init__()
        self.register_buffer('logits', logits)
        self.top_k, self.dtype = top_k, dtype

    def forward(self, _hidden_states):
        weights, experts = route(self.logits, self.top_k)
        return self.logits, weights.to(self.dtype), experts


def hugging_face_block(layer, both, implementation):
    """A function of no arguments: Hugging Face's Qwen3-MoE block on the layer's operands, its gate
    given, with experts computed as `implementation` names it. Raises ImportError without them."""
    from transformers import Qwen3MoeConfig
    from transformers.models.qwen3_moe import modeling_qwen3_moe as module
    hidden, units = layer.gate.shape[2], layer.gate.shape[1]
    config = Qwen3MoeConfig(hidden_size=hidden, moe_intermediate_size=units,
                            num_experts=layer.experts, num_experts_per_tok=layer.top_k,
                            norm_topk_prob=True)
    config._experts_implementation = implementation
    with torch.device('meta'):
        block = module.Qwen3MoeSparseMoeBlock(config)
    if not hasattr(block.experts, 'gate_up_proj'):
        raise ImportError('transformers is too old: its block keeps the weights of experts apart')
    block.experts.gate_up_proj = torch.nn.Parameter(both, requires_grad=False)
    block.experts.down_proj = torch.nn.Parameter(layer.down, requires_grad=False)
    block.gate = GivenGate(layer.logits, layer.top_k, layer.tokens.dtype)
    return block


def run_block(block, tokens):
    """The block's sum, [tokens, hidden]; it may return the logits beside it."""
    result = block(tokens.unsqueeze(0))
    return (result[0] if isinstance(result, tuple) else result).squeeze(0)
