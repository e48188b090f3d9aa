// SPDX-License-Identifier: Apache-2.0
#include "experiments/results/point_name.h"

namespace moesim::experiments {

PointName parse_point_name(const std::string& argument) {
  std::error_code unknown;
  const std::size_t colon = argument.rfind(':');
  const bool is_path = colon == std::string::npos || colon == 0 || colon + 1 == argument.size() ||
                       std::filesystem::exists(argument, unknown);
  if (is_path) return {argument, ""};
  return {argument.substr(0, colon), argument.substr(colon + 1)};
}

}  // namespace moesim::experiments
