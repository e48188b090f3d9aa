// SPDX-License-Identifier: Apache-2.0
#include "experiments/results/column_index.h"

namespace moesim::experiments {

ColumnIndex::ColumnIndex(const std::vector<std::string>& names) {
  for (const std::string& name : names) find_or_add(name);
  start_row();
}

std::optional<std::size_t> ColumnIndex::find(std::string_view name) {
  if (next_ < names_.size() && names_[next_] == name) return next_++;
  const auto found = index_of_.find(name);
  if (found == index_of_.end()) return std::nullopt;
  next_ = found->second + 1;
  return found->second;
}

std::size_t ColumnIndex::find_or_add(std::string_view name) {
  if (const std::optional<std::size_t> found = find(name)) return *found;
  const std::size_t index = names_.size();
  names_.emplace_back(name);
  index_of_.emplace(name, index);
  next_ = names_.size();
  return index;
}

}  // namespace moesim::experiments
