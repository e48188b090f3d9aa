// SPDX-License-Identifier: Apache-2.0
#include "experiments/runs/point_desk.h"

#include <algorithm>

namespace moesim::experiments {

DirectoryDesk::DirectoryDesk(RunDirectory& directory, std::vector<std::size_t> wanted)
    : DirectoryDesk(directory) {
  std::sort(wanted.begin(), wanted.end());
  std::erase_if(missing_, [&](std::size_t index) {
    return !std::binary_search(wanted.begin(), wanted.end(), index);
  });
}

std::optional<std::size_t> DirectoryDesk::take() {
  if (!returned_.empty()) {
    const std::size_t index = returned_.back();
    returned_.pop_back();
    return index;
  }
  if (next_ == missing_.size()) return std::nullopt;
  return missing_[next_++];
}

void DirectoryDesk::record(const std::string& row, bool has_failed) {
  has_failed_ = has_failed_ || has_failed;
  directory_.append_result(row);
}

}  // namespace moesim::experiments
