# SPDX-License-Identifier: Apache-2.0
"""The experts of a layer in Triton, as serving engines do it: one kernel for each of the two
products, whose programs take blocks of one expert's rows, gather the first operand by row ids in
the load, and apply SiLU and the product with the up part at the end. A baseline to measure against,
not part of the product."""

import torch
import triton
import triton.language as tl

# (rows, columns, k) of a block, warps, stages: small ones for few rows an expert.
CONFIGS = [((16, 64, 128), 4, 4), ((16, 128, 64), 4, 4), ((64, 64, 64), 4, 4),
           ((64, 128, 64), 4, 4), ((128, 128, 64), 8, 3), ((128, 64, 64), 4, 4)]
GROUP = 8  # row blocks that share a column of blocks


@triton.jit
def expert_product(rows_in, first, second, out, block_expert, block_row, first_row, token, width,
                   depth, num_blocks, gated: tl.constexpr, gathers: tl.constexpr,
                   block_m: tl.constexpr, block_n: tl.constexpr, block_k: tl.constexpr,
                   group: tl.constexpr):
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
    at = out + row[:, None].to(tl.int64) * width + cols[None, :]
    tl.store(at, sums.to(tl.bfloat16), mask=live[:, None])


def blocks_of(counts, rows):
    """(expert, first row) of each block of so many rows, on the device. Made once for a point, as
    our own row order is."""
    experts, firsts, begin = [], [], 0
    for expert, count in enumerate(counts):
        for first in range(0, count, rows):
            experts.append(expert)
            firsts.append(begin + first)
        begin += count
    as_device = {'dtype': torch.int32, 'device': 'cuda'}
    return torch.tensor(experts, **as_device), torch.tensor(firsts, **as_device)


class TritonExperts:
    """forward(): tokens' rows to rows in the experts' order."""

    def __init__(self, data, config):
        self.data = data
        (self.rows, self.columns, self.depth), self.warps, self.stages = config
        self.expert, self.first = blocks_of(data.counts, self.rows)
        units = data.gate.shape[1]
        self.activated = torch.empty(data.rows, units, dtype=torch.bfloat16, device='cuda')
        self.output = torch.empty(data.rows, data.tokens.shape[1], dtype=torch.bfloat16,
                                  device='cuda')

    def product(self, rows_in, weights, out, gathers):
        width, depth = weights[0].shape[1:]
        blocks = self.expert.numel()
        expert_product[(blocks * triton.cdiv(width, self.columns),)](
            rows_in, weights[0], weights[-1], out, self.expert, self.first, self.data.first_row,
            self.data.token, width, depth, blocks, gated=len(weights) == 2, gathers=gathers,
            block_m=self.rows, block_n=self.columns, block_k=self.depth, group=GROUP,
            num_warps=self.warps, num_stages=self.stages)

    def forward(self):
        data = self.data
        self.product(data.tokens, (data.gate, data.up), self.activated, True)
        self.product(self.activated, (data.down,), self.output, False)
        return self.output
