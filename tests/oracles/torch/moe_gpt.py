# SPDX-License-Identifier: Apache-2.0
"""A byte-level MoE-GPT in PyTorch, written from the papers to be read and not to be fast: the
independent reference for forward pass, loss and gradients."""

import torch
import torch.nn.functional as F

from moe_router import Draws, Setting, route

ACTIVATIONS = {
    'gelu': F.gelu,
    'gelu_tanh': lambda x: F.gelu(x, approximate='tanh'),
    'relu': F.relu,
    'silu': F.silu,
    'tanh': torch.tanh,
}


def below(weights, prefix):
    """The weights whose names begin with `prefix`, without it."""
    return {name[len(prefix):]: w for name, w in weights.items() if name.startswith(prefix)}


class MoeGpt:
    """`weights` by name, `config` complete, `dump` all tensors of the program under test."""

    def __init__(self, config, weights, dump, training):
        self.config, self.weights, self.dump, self.training = config, weights, dump, training
        self.decisions = {}  # by layer

    def logits(self, inputs):
        seq_length = self.config['seq_length']
        x = self.weights['embedding.token'][inputs] + \
            self.weights['embedding.position'][torch.arange(len(inputs)) % seq_length]
        for layer in range(self.config['num_hidden_layers']):
            block = below(self.weights, f'blocks.{layer}.')
            x = x + self.attention(block, self.norm(block, 'attention_norm', x))
            x = x + self.feed_forward(layer, block, self.norm(block, 'ffn_norm', x))
        return self.norm(self.weights, 'final_norm', x) @ self.head().T

    def head(self):
        tied = self.config['tie_word_embeddings']
        return self.weights['embedding.token' if tied else 'head']

    @staticmethod
    def norm(weights, name, x):
        return F.layer_norm(x, x.shape[1:], weights[name + '.gain'][0], weights[name + '.bias'][0])

    def attention(self, block, x):
        """arXiv 1706.03762, eq. 1, by sequence, with grouped key/value heads (2305.13245)."""
        step = self.config['seq_length']
        mixed = torch.cat([self.attend(block, x[t:t + step]) for t in range(0, len(x), step)])
        return F.linear(mixed, block['attention.output.weight'],
                        self.bias_of(block, 'attention.output'))

    def attend(self, block, x):
        heads = self.config['num_attention_heads']
        kv_heads = self.config['num_key_value_heads'] or heads
        width = self.config['hidden_size'] // heads
        name = 'attention.query_key_value'
        rows = F.linear(x, block[name + '.weight'], self.bias_of(block, name))
        query, key, value = rows.split([heads * width, kv_heads * width, kv_heads * width], 1)
        later = torch.ones(len(x), len(x)).triu(1).bool()
        mixed = []
        for head in range(heads):
            group = head // (heads // kv_heads)
            q = query[:, head * width:(head + 1) * width]
            k, v = (part[:, group * width:(group + 1) * width] for part in (key, value))
            scores = (q @ k.T / width ** 0.5).masked_fill(later, float('-inf'))
            mixed.append(F.softmax(scores, 1) @ v)
        return torch.cat(mixed, 1)

    @staticmethod
    def bias_of(block, name):
        return block[name + '.bias'][0] if name + '.bias' in block else None

    def feed_forward(self, layer, block, x):
        config = self.config
        after = layer - config['first_k_dense_replace']
        if not config['use_moe'] or after < 0 or after % config['moe_layer_freq'] != 0:
            return self.expert(below(block, 'dense.'), [0, config['intermediate_size']], 0, x)
        y = self.routed(layer, block, x)
        if config['n_shared_experts'] > 0:
            units = config['n_shared_experts'] * config['moe_intermediate_size']
            y = y + self.expert(below(block, 'moe.shared.'), [0, units], 0, x)
        return y

    def routed(self, layer, block, x):
        config = self.config
        count = config['router']['num_experts']
        decision = route(below(block, 'moe.router.'), self.setting(layer), x)
        self.decisions[layer] = decision
        sizes = config['expert_intermediate_sizes'] or [config['moe_intermediate_size']] * count
        first = [sum(sizes[:e]) for e in range(count + 1)]
        results = torch.stack([self.expert(below(block, 'moe.experts.'), first, e, x)
                               for e in range(count)], 1)
        slots = torch.tensor(decision.experts).clamp(min=0)
        chosen = results.gather(1, slots.unsqueeze(-1).expand(-1, -1, x.shape[1]))
        return (decision.weights.unsqueeze(-1) * chosen).sum(1)

    def setting(self, layer):
        name = f'layer.{layer}.'
        draws = Draws(*(torch.tensor(self.dump[name + kind]) if name + kind in self.dump else None
                        for kind in ('noise', 'jitter')))
        return Setting(self.config['router'], self.training, self.config['seq_length'], draws,
                       self.dump[name + 'chosen'].tolist())

    def expert(self, weights, first, expert, x):
        """Plain, or gated as SwiGLU and GeGLU are (arXiv 2002.05202, section 2)."""
        units = slice(first[expert], first[expert + 1])
        act = ACTIVATIONS[self.config['hidden_act']]

        def project(role):
            bias = weights[role + '_bias'][0, units] if self.config['mlp_bias'] else None
            return F.linear(x, weights[role][units], bias)

        inner = act(project('gate')) * project('up') if self.config['gated'] else act(project('up'))
        bias = weights['down_bias'][expert] if self.config['mlp_bias'] else None
        return F.linear(inner, weights['down'][units].T, bias)
