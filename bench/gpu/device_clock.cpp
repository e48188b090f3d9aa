// SPDX-License-Identifier: Apache-2.0
#include "bench/gpu/device_clock.h"

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "model/cuda/gemm/cuda_status.h"

namespace moesim::bench {

using model::cuda::require;

DeviceClock::DeviceClock() {
  require(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "a stream");
  require(cudaEventCreate(&begin_), "an event");
  require(cudaEventCreate(&end_), "an event");
}

DeviceClock::~DeviceClock() {
  cudaEventDestroy(end_);
  cudaEventDestroy(begin_);
  cudaStreamDestroy(stream_);
}

// Null where the work cannot be captured.
cudaGraphExec_t DeviceClock::captured(const std::function<void()>& work) {
  require(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal), "a capture");
  bool done = true;
  try {
    work();
  } catch (const std::runtime_error&) {
    done = false;
  }
  cudaGraph_t graph = nullptr;
  done = cudaStreamEndCapture(stream_, &graph) == cudaSuccess && done;
  cudaGraphExec_t exec = nullptr;
  if (done && cudaGraphInstantiate(&exec, graph, 0) != cudaSuccess) exec = nullptr;
  if (graph != nullptr) cudaGraphDestroy(graph);
  cudaGetLastError();  // a refusal is no error of what follows
  return exec;
}

Timing DeviceClock::time(const std::function<void()>& work, double seconds, bool last_third) {
  work();
  require(cudaStreamSynchronize(stream_), "the work");
  const cudaGraphExec_t exec = captured(work);
  std::vector<double> times;
  for (double total = 0; total < seconds || times.size() < 3; total += times.back()) {
    require(cudaEventRecord(begin_, stream_), "an event");
    if (exec != nullptr) {
      require(cudaGraphLaunch(exec, stream_), "a graph");
    } else {
      work();
    }
    require(cudaEventRecord(end_, stream_), "an event");
    require(cudaEventSynchronize(end_), "the work");
    float milliseconds = 0;
    require(cudaEventElapsedTime(&milliseconds, begin_, end_), "a time");
    times.push_back(std::max(1e-9, milliseconds * 1e-3));
  }
  if (exec != nullptr) cudaGraphExecDestroy(exec);
  const int runs = static_cast<int>(times.size());
  if (last_third) times.erase(times.begin(), times.begin() + runs * 2 / 3);
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2),
                   times.end());
  return {times[times.size() / 2], runs, exec != nullptr};
}

}  // namespace moesim::bench
