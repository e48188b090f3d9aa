// SPDX-License-Identifier: Apache-2.0
// A series on two nodes of one rank each, in round numbers: NIC 1 GB/s, 4 us from rank to rank.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "experiments/validation/measured_case.h"

namespace moesim::experiments {

inline Series two_nodes(std::vector<MeasuredCase> cases) {
  Series series;
  series.name = "two_nodes";
  series.title = "two nodes";
  series.cluster = base::parse_json(
      R"({"topology": "single_switch", "node": {"accelerator": {"preset": "h100_sxm5_80gb"},
          "accelerators_per_node": 1, "scale_up_bandwidth": "1 GB/s", "scale_up_latency": "0 s",
          "nic_bandwidth": "1 GB/s", "nic_latency": "4 us", "pcie_bandwidth": "2 GB/s"}})",
      "two nodes");
  series.protocol = base::json_object();
  series.defaults = base::json_object();
  series.cases = std::move(cases);
  return series;
}

// Each rank keeps half of its buffer and sends half.
inline MeasuredCase exchange(double buffer_bytes, double time_s, bool held_out = false) {
  MeasuredCase measured;
  measured.operation = Operation::all_to_all;
  measured.num_nodes = 2;
  measured.message_size = base::Bytes(buffer_bytes);
  measured.time = base::Seconds(time_s);
  measured.held_out = held_out;
  return measured;
}

}  // namespace moesim::experiments
