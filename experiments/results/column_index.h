// SPDX-License-Identifier: Apache-2.0
// Finds columns by name. Rows name theirs in nearly the same order, so the next is tried first.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace moesim::experiments {

class ColumnIndex {
 public:
  ColumnIndex() = default;
  explicit ColumnIndex(const std::vector<std::string>& names);

  const std::vector<std::string>& names() const { return names_; }
  // The next search begins at the first column again.
  void start_row() { next_ = 0; }
  std::optional<std::size_t> find(std::string_view name);
  std::size_t find_or_add(std::string_view name);

 private:
  std::vector<std::string> names_;
  std::map<std::string, std::size_t, std::less<>> index_of_;
  std::size_t next_ = 0;
};

}  // namespace moesim::experiments
