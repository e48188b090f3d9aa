# SPDX-License-Identifier: Apache-2.0
"""The benchmark's MoE-GPT in PyTorch, written the way that measures fastest there: rows sorted by
expert once, gate and up in one product, one index_add back, and attention over blocks of queries
that leaves most of the masked keys out."""

import json
import math
import struct

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

QUERY_BLOCK = 64


class Attention(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.heads, self.hidden = model['num_attention_heads'], model['hidden_size']
        self.query_key_value = nn.Linear(self.hidden, 3 * self.hidden)
        self.output = nn.Linear(self.hidden, self.hidden)
        mask = torch.full((model['seq_length'],) * 2, -math.inf).triu(1)
        self.register_buffer('mask', mask, persistent=False)

    def forward(self, x, batch):
        length, width = x.shape[0] // batch, self.hidden // self.heads
        query, key, value = self.query_key_value(x) \
            .view(batch, length, 3, self.heads, width).permute(2, 0, 3, 1, 4) \
            .reshape(3, batch * self.heads, length, width)
        query = query * width ** -0.5
        mixed = []
        for first in range(0, length, QUERY_BLOCK):
            end = min(first + QUERY_BLOCK, length)
            scores = torch.bmm(query[:, first:end], key[:, :end].transpose(1, 2))
            scores = F.softmax(scores.add_(self.mask[first:end, :end]), -1)
            mixed.append(torch.bmm(scores, value[:, :end]))
        mixed = torch.cat(mixed, 1).view(batch, self.heads, length, width)
        return self.output(mixed.transpose(1, 2).reshape(-1, self.hidden))


class Expert(nn.Module):
    """SwiGLU."""

    def __init__(self, hidden, units):
        super().__init__()
        self.gate_up = nn.Linear(hidden, 2 * units, bias=False)
        self.down = nn.Linear(units, hidden, bias=False)

    def forward(self, x):
        gate, up = self.gate_up(x).chunk(2, -1)
        return self.down(F.silu(gate) * up)


class MoeLayer(nn.Module):
    """Token choice: softmax, top-k, renormalised; Switch's balancing loss (arXiv 2101.03961)."""

    def __init__(self, model):
        super().__init__()
        router, hidden = model['router'], model['hidden_size']
        self.top_k, self.count = router['num_experts_per_tok'], router['num_experts']
        self.coefficient = router['aux_loss_coef']
        self.router = nn.Linear(hidden, self.count, bias=False)
        self.experts = nn.ModuleList(
            Expert(hidden, model['moe_intermediate_size']) for _ in range(self.count))

    def forward(self, x):
        scores = F.softmax(self.router(x), -1)
        best, chosen = scores.topk(self.top_k, -1)
        weights = (best / best.sum(-1, keepdim=True)).view(-1)
        pairs = chosen.view(-1).argsort()
        rows = torch.bincount(chosen.view(-1), minlength=self.count)
        tokens = pairs // self.top_k
        parts = x.index_select(0, tokens).split(rows.tolist())
        results = torch.cat([expert(part) for expert, part in zip(self.experts, parts)])
        results = results * weights.index_select(0, pairs).unsqueeze(-1)
        share = rows.to(scores.dtype) / pairs.numel()
        balance = self.coefficient * self.count * torch.dot(share, scores.mean(0))
        return torch.zeros_like(x).index_add_(0, tokens, results), balance


class Block(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.attention_norm = nn.LayerNorm(model['hidden_size'])
        self.attention = Attention(model)
        self.ffn_norm = nn.LayerNorm(model['hidden_size'])
        self.moe = MoeLayer(model)

    def forward(self, x, batch):
        x = x + self.attention(self.attention_norm(x), batch)
        y, balance = self.moe(self.ffn_norm(x))
        return x + y, balance


class MoeGpt(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.token = nn.Embedding(256, model['hidden_size'])
        self.position = nn.Embedding(model['seq_length'], model['hidden_size'])
        self.blocks = nn.ModuleList(Block(model) for _ in range(model['num_hidden_layers']))
        self.final_norm = nn.LayerNorm(model['hidden_size'])

    def forward(self, inputs):
        """[batch, length] bytes -> [tokens, 256] logits, the balancing loss."""
        batch, length = inputs.shape
        x = (self.token(inputs) + self.position.weight[:length]).view(batch * length, -1)
        balance = 0.0
        for block in self.blocks:
            x, term = block(x, batch)
            balance = balance + term
        return F.linear(self.final_norm(x), self.token.weight), balance

    def loss(self, inputs, targets):
        logits, balance = self(inputs)
        return F.cross_entropy(logits, targets.view(-1)) + balance


class WeightsFile:
    """The tensors of a safetensors file, read one at a time so that none is held twice."""

    def __init__(self, path):
        self.file = open(path, 'rb')
        (length,) = struct.unpack('<Q', self.file.read(8))
        self.entries, self.begin = json.loads(self.file.read(length)), 8 + length

    def tensor(self, name, dtype=np.float32):
        entry = self.entries[name]
        self.file.seek(self.begin + entry['data_offsets'][0])
        count = math.prod(entry['shape'])
        return torch.from_numpy(np.fromfile(self.file, dtype, count)).view(entry['shape'])


def load_weights(model, file):
    """Sets the weights from a file with moesim's names and layouts."""
    named = {}
    for layer, block in enumerate(model.blocks):
        name = f'blocks.{layer}.'
        for part in ('attention.query_key_value', 'attention.output'):
            for kind in ('weight', 'bias'):
                named[name + part + '.' + kind] = file.tensor(name + part + '.' + kind)
        for part in ('attention_norm', 'ffn_norm'):
            named[name + part + '.weight'] = file.tensor(name + part + '.gain')
            named[name + part + '.bias'] = file.tensor(name + part + '.bias')
        named[name + 'moe.router.weight'] = file.tensor(name + 'moe.router.gate')
        gate, up, down = (file.tensor(name + 'moe.experts.' + role).chunk(len(block.moe.experts))
                          for role in ('gate', 'up', 'down'))
        for e in range(len(gate)):
            expert = f'{name}moe.experts.{e}.'
            named[expert + 'gate_up.weight'] = torch.cat([gate[e], up[e]])
            named[expert + 'down.weight'] = down[e].T
    named['token.weight'] = file.tensor('embedding.token')
    named['position.weight'] = file.tensor('embedding.position')
    named['final_norm.weight'] = file.tensor('final_norm.gain')
    named['final_norm.bias'] = file.tensor('final_norm.bias')
    flat = {key: value.view(-1) if key.endswith('.bias') or 'norm' in key else value
            for key, value in named.items()}
    model.load_state_dict(flat)
