# SPDX-License-Identifier: Apache-2.0
"""The experts of a layer in Triton, as serving engines do it: one kernel for each of the two
products, whose programs take blocks of one expert's rows, gather the first operand by row ids in
the load, and apply SiLU and the product with the up part at the end; in a whole layer the second
weighs its rows and puts them where their pairs are, and a sum over slots follows. A baseline to
measure against, not part of the product."""

import torch
import torch_layers
import triton
import triton.language as tl

# (rows, columns, k) of a block, warps, stages: small ones for few rows an expert.
CONFIGS = [((16, 64, 128), 4, 4), ((16, 128, 64), 4, 4), ((64, 64, 64), 4, 4),
           ((64, 128, 64), 4, 4), ((128, 128, 64), 8, 3), ((128, 64, 64), 4, 4)]
GROUP = 8  # row blocks that share a column of blocks


@triton.jit(do_not_specialize=['num_blocks'])
def expert_product(rows_in, first, second, out, block_expert, block_row, first_row, token, pair,
                   weights, width, depth, num_blocks, gated: tl.constexpr,
                   gathers: tl.constexpr, scatters: tl.constexpr, block_m: tl.constexpr,
                   block_n: tl.constexpr, block_k: tl.constexpr, group: tl.constexpr):
    # 1. Which block: groups of row blocks share a column.
    pid = tl.program_id(0)
    columns = tl.cdiv(width, block_n)
    first_of_group = pid // (group * columns) * group
    height = min(num_blocks - first_of_group, group)
    in_group = pid - first_of_group * columns
    block = first_of_group + in_group % height
    column = in_group // height
    # 2. Its rows, and where they come from.
    expert = tl.load(block_expert + block)
    if expert < 0:  # there are fewer blocks than there could be
        return
    row = tl.load(block_row + block) + tl.arange(0, block_m)
    live = row < tl.load(first_row + expert + 1)
    source = tl.load(token + row, mask=live, other=0) if gathers else row
    cols = column * block_n + tl.arange(0, block_n)
    k = tl.arange(0, block_k)
    a_at = rows_in + source[:, None].to(tl.int64) * depth + k[None, :]
    b_at = expert.to(tl.int64) * width * depth + cols[None, :].to(tl.int64) * depth + k[:, None]
    # 3. The sums; depth is a multiple of block_k, width of block_n.
    sums = tl.zeros((block_m, block_n), dtype=tl.float32)
    others = tl.zeros((block_m, block_n), dtype=tl.float32)
    for step in range(0, depth, block_k):
        a = tl.load(a_at + step, mask=live[:, None], other=0.0)
        sums = tl.dot(a, tl.load(first + b_at + step), sums)
        if gated:
            others = tl.dot(a, tl.load(second + b_at + step), others)
    if gated:
        sums = sums * tl.sigmoid(sums) * others
    # 4. The rows that are there.
    target = row
    if scatters:
        target = tl.load(pair + row, mask=live, other=0)
        sums = sums * tl.load(weights + target, mask=live, other=0.0)[:, None]
    at = out + target[:, None].to(tl.int64) * width + cols[None, :]
    tl.store(at, sums.to(tl.bfloat16), mask=live[:, None])


class Blocks:
    """Which rows each program takes, and of whose tokens they are."""

    def __init__(self, blocks, first_row, token, pair):
        self.expert, self.first = blocks
        self.first_row, self.token, self.pair = first_row, token, pair


class Kernels:
    """The two products in one configuration."""

    def __init__(self, data, config):
        self.data = data
        (self.rows, self.columns, self.depth), self.warps, self.stages = config
        like = {'dtype': torch.bfloat16, 'device': data.tokens.device}
        self.activated = torch.empty(data.rows, data.gate.shape[1], **like)
        self.output = torch.empty(data.rows, data.tokens.shape[1], **like)

    def product(self, rows_in, parts, out, blocks, weights):
        """`weights` of pairs where rows go to their pairs' places; else None."""
        width, depth = parts[0].shape[1:]
        count = blocks.expert.numel()
        scatters = weights is not None
        expert_product[(count * triton.cdiv(width, self.columns),)](
            rows_in, parts[0], parts[-1], out, blocks.expert, blocks.first, blocks.first_row,
            blocks.token, blocks.pair, weights if scatters else blocks.pair, width, depth, count,
            gated=len(parts) == 2, gathers=len(parts) == 2, scatters=scatters, block_m=self.rows,
            block_n=self.columns, block_k=self.depth, group=GROUP, num_warps=self.warps,
            num_stages=self.stages)

    def run(self, blocks, weights=None):
        data = self.data
        self.product(data.tokens, (data.gate, data.up), self.activated, blocks, None)
        self.product(self.activated, (data.down,), self.output, blocks, weights)
        return self.output


class TritonExperts:
    """forward(): tokens' rows to rows in the experts' order. Blocks are made once for a point, as
    our own row order is."""

    def __init__(self, data, config):
        self.kernels = Kernels(data, config)
        blocks = torch_layers.blocks_of(data.counts, self.kernels.rows, data.tokens.device)
        self.blocks = Blocks(blocks, data.first_row, data.token, data.pair)

    def forward(self):
        return self.kernels.run(self.blocks)


class TritonLayer:
    """forward(): the gate's logits and tokens' rows to the weighted sum of rows."""

    def __init__(self, data, config):
        self.data = data
        self.kernels = Kernels(data, config)

    def forward(self):
        data = self.data
        weights, experts = torch_layers.route(data.logits, data.top_k)
        order = torch_layers.RowOrder(experts, data.experts)
        found = torch_layers.blocks_on_device(order.first_row, data.rows, self.kernels.rows)
        blocks = Blocks(found, order.first_row, order.token.to(torch.int32),
                        order.pair.to(torch.int32))
        rows = self.kernels.run(blocks, weights.flatten())
        return rows.view(weights.shape[0], data.top_k, -1).sum(dim=1)
