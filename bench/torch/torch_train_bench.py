# SPDX-License-Identifier: Apache-2.0
"""Times PyTorch on the benchmark's model and prints one JSON object, as moesim_train_bench does.

    torch_train_bench.py forward|train MODEL_JSON START_FILE THREADS SECONDS"""

import json
import re
import sys
import time
from pathlib import Path

WARM_UP = 2
LEAST_REPEATS = 3


def peak_rss_bytes():
    status = Path('/proc/self/status').read_text(encoding='ascii')
    return int(re.search(r'VmHWM:\s+(\d+) kB', status).group(1)) * 1024


import torch  # noqa: E402  its own memory is told apart

IMPORT_RSS_BYTES = peak_rss_bytes()

import numpy as np  # noqa: E402
import torch.nn.functional as F  # noqa: E402

from torch_model import MoeGpt, WeightsFile, load_weights  # noqa: E402


def measure(step, seconds):
    """What the warm-up's steps return; seconds, and processor seconds, of each step after it."""
    results = [step() for _ in range(WARM_UP)]
    times, begin, begin_cpu = [], time.perf_counter(), time.process_time()
    while len(times) < LEAST_REPEATS or time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    cpu = (time.process_time() - begin_cpu) / len(times)
    return results, {'seconds': times, 'cpu_seconds': cpu}


def measure_forward(model, inputs, targets, seconds):
    def forward():
        with torch.inference_mode():
            return model(inputs)[0]

    logits, times = measure(forward, seconds)
    return [F.cross_entropy(rows, targets.view(-1)).item() for rows in logits], times


def measure_train(model, inputs, targets, seconds):
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4, betas=(0.9, 0.95), eps=1e-8,
                                  weight_decay=0.1, foreach=True)

    def train():
        optimizer.zero_grad(set_to_none=True)
        loss = model.loss(inputs, targets)
        loss.backward()
        optimizer.step()
        return loss.item()

    return measure(train, seconds)


def main():
    mode, model_path, start_path, threads, seconds = sys.argv[1:]
    torch.set_num_threads(int(threads))
    config = json.loads(Path(model_path).read_text(encoding='utf-8'))
    model, start = MoeGpt(config), WeightsFile(start_path)
    load_weights(model, start)
    inputs, targets = (start.tensor(name, np.uint8).long().view(-1, config['seq_length'])
                       for name in ('inputs', 'targets'))
    run = {'forward': measure_forward, 'train': measure_train}[mode]
    losses, times = run(model, inputs, targets, float(seconds))
    print(json.dumps({
        'mode': mode, 'threads': torch.get_num_threads(), 'tokens': inputs.numel(),
        'losses': losses, **times, 'peak_rss_bytes': peak_rss_bytes(),
        'import_rss_bytes': IMPORT_RSS_BYTES, 'version': torch.__version__}))


if __name__ == '__main__':
    main()
