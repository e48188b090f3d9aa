// SPDX-License-Identifier: Apache-2.0
// How long work takes on the device: captured in a graph where it can be, so that what the host
// needs for launches is not part of it, and timed by events between runs that are queued.
#pragma once

#include <cuda_runtime_api.h>

#include <functional>

namespace moesim::bench {

struct Timing {
  double median_s = 0;
  int runs = 0;
  bool graph = false;
};

class DeviceClock {
 public:
  DeviceClock();
  ~DeviceClock();
  DeviceClock(const DeviceClock&) = delete;
  DeviceClock& operator=(const DeviceClock&) = delete;

  // The stream that `work` has to use.
  cudaStream_t stream() const { return stream_; }
  // Runs `work` for about `seconds`, after one run that is not timed; at least 6 timed runs, each
  // queued behind others without waiting for the host, as time_of of torch_baselines.py does. The
  // median of single runs; with `last_third` of the last third of them, when clocks have settled.
  Timing time(const std::function<void()>& work, double seconds, bool last_third = false);

 private:
  cudaGraphExec_t captured(const std::function<void()>& work);

  cudaStream_t stream_ = nullptr;
};

}  // namespace moesim::bench
